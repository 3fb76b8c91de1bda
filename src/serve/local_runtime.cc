#include "serve/local_runtime.h"

#include "serve/onnx/runtime.h"

namespace millrace::serve {

std::unique_ptr<Runtime> make_local_runtime(const LocalRuntime& choice, Log& log) {
  return make_onnx_runtime(choice.library, log);
}

}  // namespace millrace::serve
