// What runs a model file. runtimes.h chooses among those that there are.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "serve/tensor.h"

namespace millrace::serve {

// One loaded model. Immutable; run() may be called from any number of threads.
class Model {
 public:
  virtual ~Model() = default;
  virtual std::string_view platform() const = 0;  // "onnx_onnxv1"
  virtual const std::vector<TensorSpec>& inputs() const = 0;
  // Shapes as observed at load, not as the file declares them: converters are known to write wrong ones.
  virtual const std::vector<TensorSpec>& outputs() const = 0;
  // Do all inputs have rows as their first dimension, of one and the same number?
  virtual bool batched() const = 0;
  // inputs: one for each of inputs(), in that order, of that type and a fitting shape. wanted: indexes into outputs().
  // `invalid` when the model refuses these values.
  virtual Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t> wanted) const = 0;
  // May requests that wait at the same moment share a call (together.h)? As tried at load.
  virtual bool shares_calls() const { return false; }
  // For people: {runtime, why, ...} as runtimes.h says. Of a model that nobody chose: {}.
  virtual Json describe() const { return Json::object(); }
};

// Thread-safe.
class Runtime {
 public:
  virtual ~Runtime() = default;
  // `bytes` are those of a model file; `from` names it in errors. `corrupt` when it is no model, `unsupported` when it
  // needs what we do not run, `invalid` when it is refused (it points at other files), `unavailable` when the library
  // is missing.
  virtual Result<std::shared_ptr<const Model>> load(std::string_view bytes, const std::string& from) = 0;
  // What reads a file that begins like this: "onnxruntime 1.31.0", or why it cannot be had. Opens the library.
  virtual std::string describe(std::string_view bytes) = 0;
};

}  // namespace millrace::serve
