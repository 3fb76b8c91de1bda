#include "stats/interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/normal.h"

namespace millrace::stats {

Result<double> checked_z(double confidence) {
  const double z = two_sided_z(confidence);
  if (std::isfinite(z)) return z;
  return Error{Code::invalid, fmt::format("the confidence {} is not between 0 and 1", confidence)}.hint(
      "use 0.95, say");
}

Result<Interval> wilson(int64_t hits, int64_t n, double confidence) {
  MILLRACE_TRY(const double z, checked_z(confidence));
  if (n <= 0) return Error{Code::invalid, "the share of no rows is undefined"};
  if (hits < 0 || hits > n) return Error{Code::invalid, fmt::format("{} hits of {} rows cannot be", hits, n)};
  Interval out = wilson_of_share(static_cast<double>(hits) / static_cast<double>(n), static_cast<double>(n), z);
  // Exact at the ends, where rounding would leave 1e-17.
  if (hits == 0) out.low = 0;
  if (hits == n) out.high = 1;
  return out;
}

Interval wilson_of_share(double share, double n, double z) {
  const double z2 = z * z / n;
  const double middle = (share + z2 / 2) / (1 + z2);
  const double half = z / (1 + z2) * std::sqrt(share * (1 - share) / n + z2 / (4 * n));
  return {share, std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

Interval mean_interval(double sum, double sum_of_squares, int64_t n, double z) {
  const double rows = static_cast<double>(n);
  const double mean = sum / rows;
  if (n < 2) return {mean, -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  const double variance = std::max(0.0, sum_of_squares - sum * mean) / (rows - 1);
  const double half = z * std::sqrt(variance / rows);
  return {mean, mean - half, mean + half};
}

}  // namespace millrace::stats
