// ONNX Runtime behind serve/runtime.h, opened with dlopen at the first load.
#pragma once
#include <memory>
#include <string>

#include "core/log.h"
#include "serve/runtime.h"

namespace millrace::serve {

// library is the path of libonnxruntime.so. Nothing is opened yet: a server without models does without the library.
// The library stays mapped until the process ends; it does not survive being closed and opened again.
std::unique_ptr<Runtime> make_onnx_runtime(std::string library, Log& log);

}  // namespace millrace::serve
