// LightGBM's zeros. It takes values of at most 1e-35 for zero before it compares them, and splits may send zero the way
// of missing values. Both are done to a row once, where no split can tell the difference, so that the trees need plain
// comparisons only. XGBoost and ONNX have nothing of this: needed() is false.
#pragma once
#include <limits>
#include <span>
#include <vector>

#include "serve/trees/ensemble.h"

namespace millrace::serve::trees {

template <class T>
class Zeros {
 public:
  explicit Zeros(const Ensemble& ensemble) : missing_(ensemble.features, false) {
    std::vector<bool> other(ensemble.features, false);  // is there a split by it that keeps zero apart from missing?
    for (const auto& tree : ensemble.trees)
      for (const auto& node : tree.nodes) {
        if (node.leaf) continue;
        (node.zero_is_missing ? missing_ : other)[node.feature] = true;
        const bool small = node.test == Test::at_most && node.value >= -kZero && node.value < kZero;
        needed_ = needed_ || node.zero_is_missing || (ensemble.small_is_zero && small);
      }
    for (size_t i = 0; i < missing_.size(); ++i) missing_[i] = missing_[i] && !other[i];
  }

  bool needed() const { return needed_; }

  // The same trees for rows that prepare() has seen.
  Ensemble simplified(Ensemble ensemble) const {
    for (auto& tree : ensemble.trees)
      for (auto& node : tree.nodes)
        if (!node.leaf && missing_[node.feature]) node.zero_is_missing = false;
    return ensemble;
  }

  void prepare(std::span<T> rows) const {
    const size_t columns = missing_.size();
    for (size_t i = 0; i < rows.size(); ++i)
      if (rows[i] >= -kZero && rows[i] <= kZero)
        rows[i] = missing_[i % columns] ? std::numeric_limits<T>::quiet_NaN() : 0;
  }

 private:
  static constexpr T kZero = static_cast<T>(1e-35F);
  std::vector<bool> missing_;  // by feature: zero goes where NaN goes
  bool needed_ = false;
};

}  // namespace millrace::serve::trees
