// Models of tree ensembles that we run ourselves, behind serve/runtime.h: a file is read into an ensemble, laid out as
// a forest, and summed as its own library sums.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "serve/runtime.h"

namespace millrace::serve::trees {

class TreeModel : public Model {
 public:
  // Rows for the model's one input that try its branches (probe.h).
  virtual Tensor trial(size_t rows, bool infinities) const = 0;
};

// One function a format. `unsupported`: a model that our evaluator does not run, and why; otherwise as the loader says.
// `from` names the file in errors.
Result<std::shared_ptr<const TreeModel>> make_onnx_trees(std::string_view bytes, const std::string& from);
Result<std::shared_ptr<const TreeModel>> make_lightgbm_trees(std::string_view bytes, const std::string& from);
Result<std::shared_ptr<const TreeModel>> make_xgboost_trees(std::string_view bytes, const std::string& from);

}  // namespace millrace::serve::trees
