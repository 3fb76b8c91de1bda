#include "stats/effect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::stats {

Result<double> cohens_d(const Moments& a, const Moments& b) {
  if (a.n < 1 || b.n < 1)
    return Error{Code::invalid, fmt::format("samples of {} and {} rows have no difference of means", a.n, b.n)};
  const double difference = a.mean - b.mean;
  const double of_a = static_cast<double>(a.n - 1), of_b = static_cast<double>(b.n - 1);
  const double pooled = of_a + of_b > 0 ? (of_a * a.variance + of_b * b.variance) / (of_a + of_b) : 0;
  if (pooled > 0) return difference / std::sqrt(pooled);
  if (difference == 0) return 0.0;
  return std::copysign(std::numeric_limits<double>::infinity(), difference);
}

Result<double> cramers_v(Counts a, Counts b) {
  MILLRACE_TRY(const Test test, chi_squared(a, b));
  double rows = 0;
  for (const int64_t count : a) rows += static_cast<double>(count);
  for (const int64_t count : b) rows += static_cast<double>(count);
  return std::min(1.0, std::sqrt(test.statistic / rows));
}

double correlation(const PairSums& sums) {
  const double n = static_cast<double>(sums.n);
  const double x = sums.xx * n - sums.x * sums.x, y = sums.yy * n - sums.y * sums.y;
  if (sums.n < 2 || !(x > 0) || !(y > 0)) return std::numeric_limits<double>::quiet_NaN();
  return std::clamp((sums.xy * n - sums.x * sums.y) / std::sqrt(x) / std::sqrt(y), -1.0, 1.0);
}

}  // namespace millrace::stats
