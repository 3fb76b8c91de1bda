#include "serve/trees/probe.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::serve::trees {
namespace {

constexpr size_t kThresholds = 256;  // of a feature, spread over all that it has

// Marsaglia's xorshift: rows must be the same everywhere, so the server's own source of chance does not do.
class Sequence {
 public:
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ >> 11;
  }

 private:
  uint64_t state_ = 0x9e3779b97f4a7c15;
};

template <class T>
void add_around(double threshold, std::vector<T>& out) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const T at = static_cast<T>(threshold);
  for (const T value : {at, std::nextafter(at, -infinity), std::nextafter(at, infinity)}) out.push_back(value);
}

template <class T>
void add_categories(const std::vector<uint32_t>& set, std::vector<T>& out) {
  const size_t most = std::min<size_t>(set.size() * 32 + 2, 64);
  for (size_t i = 0; i < most; ++i) out.push_back(static_cast<T>(i));
  for (const double value : {-1.0, -0.5, 0.5, static_cast<double>(set.size() * 32), 1e9})
    out.push_back(static_cast<T>(value));
}

}  // namespace

template <class T>
Probe<T>::Probe(const Ensemble& ensemble) : values_(ensemble.features) {
  std::vector<std::vector<double>> thresholds(ensemble.features);
  for (const auto& tree : ensemble.trees)
    for (const auto& node : tree.nodes) {
      if (node.leaf) continue;
      if (node.test != Test::in_set)
        thresholds[node.feature].push_back(node.value);
      else if (values_[node.feature].size() < kThresholds)
        add_categories(ensemble.sets[node.set], values_[node.feature]);
    }
  for (size_t i = 0; i < values_.size(); ++i) {
    auto& known = thresholds[i];
    std::erase_if(known, [](double value) { return std::isnan(value); });
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    const size_t stride = std::max<size_t>(1, known.size() / kThresholds);
    for (size_t at = 0; at < known.size(); at += stride) add_around(known[at], values_[i]);
    for (const double special : {0.0, -0.0, 1.0, -1.0, 1e-36, 1e30, -1e30})
      values_[i].push_back(static_cast<T>(special));
    values_[i].push_back(std::numeric_limits<T>::quiet_NaN());
    values_[i].push_back(std::numeric_limits<T>::infinity());
    values_[i].push_back(-std::numeric_limits<T>::infinity());
  }
}

template <class T>
Tensor Probe<T>::rows(size_t count, bool infinities) const {
  Tensor out{.type = sizeof(T) == sizeof(float) ? DType::fp32 : DType::fp64,
             .shape = {static_cast<int64_t>(count), static_cast<int64_t>(values_.size())}};
  out.data.reserve(count * values_.size() * sizeof(T));
  Sequence sequence;
  for (size_t row = 0; row < count; ++row)
    for (const auto& values : values_) {
      // The last three are special. Every second row stays clear of them: walks without missing values are tried too.
      const size_t left_out = row % 2 == 0 ? 3 : infinities ? 0 : 2;
      const size_t usable = values.size() - left_out;
      out.push(values[sequence.next() % usable]);
    }
  return out;
}

template class Probe<float>;
template class Probe<double>;

}  // namespace millrace::serve::trees
