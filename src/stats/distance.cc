#include "stats/distance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "stats/interval.h"
#include "stats/normal.h"

namespace millrace::stats {
namespace {

struct Totals {
  double a = 0;
  double b = 0;
};

Result<double> total_of(Counts counts) {
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < 0) return Error{Code::invalid, fmt::format("bin {} of a histogram holds {} rows", i, counts[i])};
    sum += static_cast<double>(counts[i]);
  }
  if (sum == 0) return Error{Code::invalid, "a histogram without rows is no distribution"};
  return sum;
}

Result<Totals> totals_of(Counts a, Counts b) {
  if (a.size() != b.size())
    return Error{Code::invalid, fmt::format("histograms of {} and {} bins cannot be compared", a.size(), b.size())}
        .hint("count both over the same edges");
  Totals out;
  MILLRACE_TRY(out.a, total_of(a));
  MILLRACE_TRY(out.b, total_of(b));
  return out;
}

// Calls visit(p, q) with the shares of each bin, `extra` rows added to each.
template <class Visit>
Result<void> each_share(Counts a, Counts b, double extra, Visit visit) {
  MILLRACE_TRY(const Totals total, totals_of(a, b));
  const double more = extra * static_cast<double>(a.size());
  for (size_t i = 0; i < a.size(); ++i)
    visit((static_cast<double>(a[i]) + extra) / (total.a + more),
          (static_cast<double>(b[i]) + extra) / (total.b + more));
  return {};
}

double information(double p, double middle) { return p > 0 ? p * std::log2(p / middle) : 0; }

}  // namespace

Result<double> psi(Counts a, Counts b) {
  double sum = 0;
  MILLRACE_DO(each_share(a, b, 0.5, [&](double p, double q) { sum += (p - q) * std::log(p / q); }));
  return sum;
}

Result<PsiNoise> psi_noise(int64_t bins, int64_t rows_a, int64_t rows_b, double confidence) {
  MILLRACE_DO(checked_z(confidence));
  if (bins < 1 || rows_a < 1 || rows_b < 1)
    return Error{Code::invalid, fmt::format("{} bins of {} and {} rows are not two histograms", bins, rows_a, rows_b)};
  const double df = static_cast<double>(bins - 1);
  const double scale = 1 / static_cast<double>(rows_a) + 1 / static_cast<double>(rows_b);
  if (df == 0) return PsiNoise{};
  double low = 0, high = df + 40 * std::sqrt(2 * df) + 40;
  while (chi_squared_tail(high, df) > 1 - confidence) high *= 2;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (chi_squared_tail(middle, df) > 1 - confidence ? low : high) = middle;
  }
  return PsiNoise{df * scale, high * scale};
}

Result<double> jensen_shannon(Counts a, Counts b) {
  double sum = 0;
  MILLRACE_DO(each_share(
      a, b, 0, [&](double p, double q) { sum += (information(p, (p + q) / 2) + information(q, (p + q) / 2)) / 2; }));
  return std::clamp(sum, 0.0, 1.0);
}

Result<double> total_variation(Counts a, Counts b) {
  double sum = 0;
  MILLRACE_DO(each_share(a, b, 0, [&](double p, double q) { sum += std::fabs(p - q) / 2; }));
  return std::min(sum, 1.0);
}

Result<double> l_infinity(Counts a, Counts b) {
  double most = 0;
  MILLRACE_DO(each_share(a, b, 0, [&](double p, double q) { most = std::max(most, std::fabs(p - q)); }));
  return most;
}

Result<double> wasserstein(Counts a, Counts b, std::span<const double> edges) {
  MILLRACE_TRY(const Totals total, totals_of(a, b));
  if (edges.size() + 1 != a.size())
    return Error{Code::invalid, fmt::format("{} edges do not part {} counts", edges.size(), a.size())};
  double up_to_a = 0, up_to_b = 0, out = 0, before = 0;
  // Between two edges the gap of the cumulative shares runs straight from one to the other.
  for (size_t i = 0; i < edges.size(); ++i) {
    up_to_a += static_cast<double>(a[i]);
    up_to_b += static_cast<double>(b[i]);
    const double gap = up_to_a / total.a - up_to_b / total.b;
    if (i > 0) {
      const double width = edges[i] - edges[i - 1];
      const bool crosses = before * gap < 0;
      out += crosses ? width * (before * before + gap * gap) / (2 * (std::fabs(before) + std::fabs(gap)))
                     : width * std::fabs(before + gap) / 2;
    }
    before = gap;
  }
  return out;
}

Result<Test> kolmogorov_smirnov(Counts a, Counts b) {
  MILLRACE_TRY(const Totals total, totals_of(a, b));
  Test out;
  // Whole counts are summed, not shares: the gap of equal shares is exactly 0.
  double up_to_a = 0, up_to_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    up_to_a += static_cast<double>(a[i]);
    up_to_b += static_cast<double>(b[i]);
    out.statistic = std::max(out.statistic, std::fabs(up_to_a / total.a - up_to_b / total.b));
  }
  out.p_value = kolmogorov_tail(out.statistic * std::sqrt(total.a / (total.a + total.b) * total.b));
  return out;
}

Result<Test> chi_squared(Counts a, Counts b) {
  MILLRACE_TRY(const Totals total, totals_of(a, b));
  Test out;
  int64_t bins = 0;
  const double all = total.a + total.b;
  for (size_t i = 0; i < a.size(); ++i) {
    const double of_a = static_cast<double>(a[i]), of_b = static_cast<double>(b[i]), both = of_a + of_b;
    if (both == 0) continue;
    ++bins;
    const double expected_a = both * total.a / all, expected_b = both * total.b / all;
    out.statistic +=
        (of_a - expected_a) * (of_a - expected_a) / expected_a + (of_b - expected_b) * (of_b - expected_b) / expected_b;
  }
  if (bins > 1) out.p_value = chi_squared_tail(out.statistic, static_cast<double>(bins - 1));
  return out;
}

}  // namespace millrace::stats
