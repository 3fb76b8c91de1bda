// LightGBM and XGBoost themselves behind serve/runtime.h: their shared libraries, opened with dlopen at the first load,
// called through their C interfaces with one thread. They are what our evaluator is compared with, and run what it does
// not. A library stays mapped until the process ends.
#pragma once
#include <memory>
#include <string>

#include "serve/runtime.h"

namespace millrace::serve::trees {

// Thread-safe. load() is `unavailable` when the library is missing.
std::unique_ptr<Runtime> make_lightgbm_library(std::string path);  // of lib_lightgbm.so
std::unique_ptr<Runtime> make_xgboost_library(std::string path);   // of libxgboost.so

}  // namespace millrace::serve::trees
