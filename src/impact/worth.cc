#include "impact/worth.h"

#include <cmath>
#include <limits>

#include "stats/normal.h"
#include "stats/student.h"

namespace millrace::impact {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMicrosPerHour = 3.6e9;
constexpr double kThousand = 1000;

stats::Interval around(double value, double half) { return {value, value - half, value + half}; }

}  // namespace

void Counts::add(const Counts& other) {
  true_positives += other.true_positives;
  false_positives += other.false_positives;
  false_negatives += other.false_negatives;
  true_negatives += other.true_negatives;
}

Worth worth_of(const Counts& counts, const Outcomes& outcomes, double confidence) {
  const double count[] = {static_cast<double>(counts.true_positives), static_cast<double>(counts.false_positives),
                          static_cast<double>(counts.false_negatives), static_cast<double>(counts.true_negatives)};
  const double value[] = {outcomes.true_positive, outcomes.false_positive, outcomes.false_negative,
                          outcomes.true_negative};
  Worth out{.n = counts.rows()};
  const auto n = static_cast<double>(out.n);
  double sum = 0, squares = 0;
  for (int i = 0; i < 4; ++i) sum += count[i] * value[i];
  out.mean = out.n == 0 ? kNan : sum / n;
  for (int i = 0; i < 4; ++i) squares += count[i] == 0 ? 0 : count[i] * (value[i] - out.mean) * (value[i] - out.mean);
  out.variance = out.n < 2 ? kNan : squares / (n - 1);
  const double z = stats::two_sided_z(confidence);
  const double half = out.n < 2 ? kInfinity : z * std::sqrt(n * out.variance);
  out.total = out.n == 0 ? stats::Interval{0, 0, 0} : around(sum, half);
  out.per_1000 = out.n == 0 ? stats::Interval{kNan, kNan, kNan} : around(kThousand * out.mean, kThousand * half / n);
  return out;
}

Worth gain_of(const Counts& counts, const Outcomes& outcomes, double confidence) {
  return worth_of(counts,
                  {.true_positive = outcomes.true_positive - outcomes.false_negative,
                   .false_positive = outcomes.false_positive - outcomes.true_negative},
                  confidence);
}

std::optional<Difference> difference_of(const Worth& a, const Worth& b, double confidence) {
  if (a.n < 2 || b.n < 2) return std::nullopt;
  const double u = a.variance / static_cast<double>(a.n), w = b.variance / static_cast<double>(b.n);
  const double below = u * u / static_cast<double>(a.n - 1) + w * w / static_cast<double>(b.n - 1);
  const double df = below > 0 ? (u + w) * (u + w) / below : kInfinity;
  const double half = stats::two_sided_t(confidence, df) * std::sqrt(u + w);
  return Difference{.per_1000 = around(kThousand * (a.mean - b.mean), kThousand * half), .df = df};
}

Cost cost_of(double mean_us, int64_t requests, int64_t labels, const Prices& prices) {
  Cost out{.compute = kThousand * mean_us / kMicrosPerHour * prices.cpu_hour,
           .labels = requests == 0
                         ? kNan
                         : kThousand * static_cast<double>(labels) / static_cast<double>(requests) * prices.label};
  out.total = out.compute + out.labels;
  return out;
}

}  // namespace millrace::impact
