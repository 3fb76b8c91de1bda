// Rows that try a model's branches: at each threshold, just below and just above it, NaN, infinities, zeros, large and
// small numbers, categories inside and outside of sets. Deterministic: the same model is tried with the same rows.
#pragma once
#include <vector>

#include "serve/tensor.h"
#include "serve/trees/ensemble.h"

namespace millrace::serve::trees {

// T is the type of the model's input.
template <class T>
class Probe {
 public:
  explicit Probe(const Ensemble& ensemble);
  // [count, features]; the same rows at every call, a shorter batch is a prefix.
  Tensor rows(size_t count, bool infinities) const;

 private:
  std::vector<std::vector<T>> values_;  // of each feature
};

extern template class Probe<float>;
extern template class Probe<double>;

}  // namespace millrace::serve::trees
