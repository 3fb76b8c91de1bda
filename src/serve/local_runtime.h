// The runtime for model files inside the process that asks: the server's own, or the limited child's. Both make it
// here, so that a file means the same to both.
#pragma once
#include <memory>
#include <string>

#include "core/log.h"
#include "serve/runtime.h"

namespace millrace::serve {

struct LocalRuntime {
  std::string library;  // path of libonnxruntime.so
};

std::unique_ptr<Runtime> make_local_runtime(const LocalRuntime& choice, Log& log);

}  // namespace millrace::serve
