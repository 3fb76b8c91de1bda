#include "stats/normal.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace millrace::stats {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kTerms = 10'000;

// For p <= 1/2. log P is concave, so Newton's method does not overshoot far, and it holds in the far tail.
double lower_quantile(double p) {
  const double t = std::sqrt(-2 * std::log(p));
  double z = -(t - (2.515517 + 0.802853 * t + 0.010328 * t * t) /
                       (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t));
  for (int i = 0; i < 6; ++i) {
    const double cdf = normal_cdf(z);
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    if (cdf <= 0 || density <= 0) break;
    z -= std::log(cdf / p) * cdf / density;
  }
  return z;
}

double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int n = 1; n < kTerms && std::fabs(term) > std::fabs(sum) * 1e-17; ++n) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * std::exp(-x + a * std::log(x) - std::lgamma(a));
}

double gamma_fraction(double a, double x) {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, h = d;
  for (int n = 1; n < kTerms; ++n) {
    const double an = -n * (n - a);
    b += 2;
    d = an * d + b;
    if (std::fabs(d) < kTiny) d = kTiny;
    c = b + an / c;
    if (std::fabs(c) < kTiny) c = kTiny;
    d = 1 / d;
    h *= d * c;
    if (std::fabs(d * c - 1) < 1e-16) break;
  }
  return h * std::exp(-x + a * std::log(x) - std::lgamma(a));
}

}  // namespace

double normal_cdf(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

double normal_quantile(double p) {
  if (!(p >= 0 && p <= 1)) return kNan;
  if (p == 0) return -kInfinity;
  if (p == 1) return kInfinity;
  if (p == 0.5) return 0;
  return p < 0.5 ? lower_quantile(p) : -lower_quantile(1 - p);
}

double two_sided_z(double confidence) {
  if (!(confidence > 0 && confidence < 1)) return kNan;
  return -normal_quantile((1 - confidence) / 2);
}

double kolmogorov_tail(double x) {
  if (std::isnan(x)) return kNan;
  // Below this the value is 1 to all digits, and the series needs many terms.
  if (x < 0.18) return 1;
  double sum = 0, sign = 1;
  for (int k = 1; k <= 100; ++k) {
    const double term = std::exp(-2.0 * k * k * x * x);
    sum += sign * term;
    if (term < 1e-18) break;
    sign = -sign;
  }
  return std::fmin(1, std::fmax(0, 2 * sum));
}

double chi_squared_tail(double x, double df) {
  if (std::isnan(x) || !(df > 0)) return kNan;
  if (x <= 0) return 1;
  if (std::isinf(x)) return 0;
  const double a = df / 2;
  return x / 2 < a + 1 ? 1 - gamma_series(a, x / 2) : gamma_fraction(a, x / 2);
}

}  // namespace millrace::stats
