// What TreeEnsembleClassifier and TreeEnsembleRegressor make of the sums of leaves. The arithmetic (32-bit floats, its
// order, where base values come in) is that of ONNX Runtime's CPU kernel, found by experiment, so that answers are the
// same bit by bit; the operators' specification leaves it open.
#pragma once
#include <cstdint>
#include <vector>

#include "serve/trees/files/onnx_file.h"

namespace millrace::serve::trees {

// Immutable; any number of threads.
class OnnxScores {
 public:
  OnnxScores(const OnnxTrees& model, size_t trees);

  size_t width() const { return width_; }  // scores of a row that finish() writes
  // sums: of one row, one a target; changed. Writes width() scores; answers the index of the class (0 for a regressor).
  size_t finish(float* sums, float* scores) const;

 private:
  size_t finish_binary(float* sums, float* scores) const;
  void add_base(float* sums) const;
  void write(const float* values, float* scores, size_t count) const;

  bool classifier_, average_, all_positive_ = true, one_class_ = false;
  Transform transform_;
  std::vector<float> base_;
  std::vector<bool> scored_;
  size_t targets_, trees_, width_;
};

}  // namespace millrace::serve::trees
