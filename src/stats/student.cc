#include "stats/student.h"

#include <cmath>
#include <limits>

#include "stats/normal.h"

namespace millrace::stats {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = 1e-300;
constexpr int kTerms = 10'000;
// From here on the distribution is the normal one to all digits that matter, and the fraction needs many terms.
constexpr double kNormalFrom = 1e8;

double kept_from_zero(double x) { return std::fabs(x) < kTiny ? kTiny : x; }

double beta_fraction(double x, double a, double b) {
  double c = 1, d = 1 / kept_from_zero(1 - (a + b) * x / (a + 1)), h = d;
  for (int m = 1; m < kTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / kept_from_zero(1 + even * d);
    c = kept_from_zero(1 + even / c);
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / kept_from_zero(1 + odd * d);
    c = kept_from_zero(1 + odd / c);
    h *= d * c;
    if (std::fabs(d * c - 1) < 1e-16) break;
  }
  return h;
}

double log_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }

// I(x; a, b); `y` is 1 - x, handed in because it may be known better than by subtraction.
double incomplete_beta(double x, double y, double a, double b) {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const double front = std::exp(a * std::log(x) + b * std::log(y) - log_beta(a, b));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(y, b, a) / b;
}

double density(double t, double df) {
  return std::exp(-(df + 1) / 2 * std::log1p(t * t / df) - log_beta(df / 2, 0.5)) / std::sqrt(df);
}

}  // namespace

double student_cdf(double t, double df) {
  if (std::isnan(t) || !(df > 0)) return kNan;
  if (df >= kNormalFrom) return normal_cdf(t);
  if (std::isinf(t)) return t < 0 ? 0 : 1;
  const double below = df / (df + t * t), above = t * t / (df + t * t);
  const double tail = incomplete_beta(below, above, df / 2, 0.5) / 2;
  return t < 0 ? tail : 1 - tail;
}

double two_sided_t(double confidence, double df) {
  if (!(confidence > 0 && confidence < 1) || !(df > 0)) return kNan;
  const double z = two_sided_z(confidence);
  if (df >= kNormalFrom) return z;
  const double tail = (1 - confidence) / 2;
  double low = z, high = 2 * z + 1;  // t is never below z
  while (student_cdf(-high, df) > tail) high *= 2;
  double t = z;
  for (int i = 0; i < 200; ++i) {
    const double found = student_cdf(-t, df);
    (found > tail ? low : high) = t;
    double next = t + (found - tail) / density(t, df);
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (std::fabs(next - t) <= 1e-13 * t) return next;
    t = next;
  }
  return t;
}

}  // namespace millrace::stats
