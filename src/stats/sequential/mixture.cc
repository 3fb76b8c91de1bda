#include "stats/sequential/mixture.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::stats {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr int kHalvings = 60;

// std::lgamma writes a global.
double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

// x log(p), 0 for x = 0 whatever p is.
double times_log(double x, double p) { return x == 0 ? 0 : x * std::log(p); }

// Where the evidence passes `limit` between `inside` and `outside`, a little outside of it.
double boundary(double sum, double n, double limit, double inside, double outside) {
  if (log_mixture_evidence(sum, n, outside) < limit) return outside;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (inside + outside) / 2;
    (log_mixture_evidence(sum, n, middle) < limit ? inside : outside) = middle;
  }
  return outside;
}

}  // namespace

double log_mixture_evidence(double sum, double n, double mean) {
  if (n <= 0) return 0;
  const double rest = std::max(0.0, n - sum);
  const double mixture = log_gamma(sum + 0.5) + log_gamma(rest + 0.5) - log_gamma(n + 1) - std::log(M_PI);
  const double under = times_log(sum, mean) + times_log(rest, 1 - mean);
  return under == -kInfinite ? kInfinite : mixture - under;
}

Interval mean_sequence(double sum, double n, double alpha) {
  if (n <= 0) return {.value = std::nan(""), .low = 0, .high = 1};
  const double limit = -std::log(alpha), mean = std::clamp(sum / n, 0.0, 1.0);
  return {.value = mean, .low = boundary(sum, n, limit, mean, 0), .high = boundary(sum, n, limit, mean, 1)};
}

Interval difference_sequence(double first_sum, double first_n, double second_sum, double second_n, double alpha) {
  const auto first = mean_sequence(first_sum, first_n, alpha / 2);
  const auto second = mean_sequence(second_sum, second_n, alpha / 2);
  return {.value = first.value - second.value, .low = first.low - second.high, .high = first.high - second.low};
}

}  // namespace millrace::stats
