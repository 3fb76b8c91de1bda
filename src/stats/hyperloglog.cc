#include "stats/hyperloglog.h"

#include <algorithm>
#include <cmath>

namespace millrace::stats {
namespace {

// Ertl's two series; both end when a term no longer changes the sum.
double sigma(double x) {
  if (x == 1) return INFINITY;
  double y = 1, z = x, before = -1;
  while (z != before) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1, z = 1 - x, before = -1;
  while (z != before) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void HyperLogLog::merge(const HyperLogLog& other) {
  for (size_t i = 0; i < registers_.size(); ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

double HyperLogLog::estimate() const {
  constexpr int kLargest = 64 - kBits;
  constexpr double m = static_cast<double>(size_t{1} << kBits);
  std::array<int64_t, kLargest + 2> counts{};
  for (const auto value : registers_) ++counts[value];
  double z = m * tau(1 - static_cast<double>(counts[kLargest + 1]) / m);
  for (int k = kLargest; k >= 1; --k) z = 0.5 * (z + static_cast<double>(counts[static_cast<size_t>(k)]));
  z += m * sigma(static_cast<double>(counts[0]) / m);
  return m / (2 * std::log(2.0)) * m / z;
}

}  // namespace millrace::stats
