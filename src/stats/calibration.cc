#include "stats/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "stats/normal.h"

namespace millrace::stats {
namespace {

// Ends of the bins in `order`: as even as can be, then moved to the end of a run of equal probabilities.
std::vector<size_t> ends_of(const std::vector<size_t>& order, Scores probabilities, size_t bins) {
  std::vector<size_t> ends;
  const size_t rows = order.size(), each = rows / bins, more = rows % bins;
  for (size_t i = 1; i <= bins; ++i) {
    size_t end = each * i + std::min(i, more);
    while (end > 0 && end < rows && probabilities[order[end]] == probabilities[order[end - 1]]) ++end;
    if (end > (ends.empty() ? 0 : ends.back())) ends.push_back(end);
  }
  return ends;
}

CalibrationSums sums_of(std::span<const size_t> rows, Labels labels, Scores probabilities) {
  CalibrationSums out{.rows = static_cast<int64_t>(rows.size())};
  for (const size_t row : rows) {
    out.probabilities += probabilities[row];
    out.positives += labels[row] != 0 ? 1 : 0;
  }
  return out;
}

// The noise of an expected calibration error: a weighted sum of folded normals, by its first three moments.
class Noise {
 public:
  void add(double weight, double variance) {
    constexpr double kTwoByPi = 2 / std::numbers::pi;
    const double spread = weight * std::sqrt(variance);
    mean_ += spread * std::sqrt(kTwoByPi);
    variance_ += spread * spread * (1 - kTwoByPi);
    third_ += spread * spread * spread * std::sqrt(kTwoByPi) * (2 * kTwoByPi - 1);
  }
  double quantile(double p) const {
    if (variance_ <= 0) return mean_;
    const double z = normal_quantile(p);
    const double skew = third_ / std::pow(variance_, 1.5);
    return std::max(0.0, mean_ + std::sqrt(variance_) * (z + skew * (z * z - 1) / 6));
  }

 private:
  double mean_ = 0, variance_ = 0, third_ = 0;
};

}  // namespace

Result<Calibration> calibration(Labels labels, Scores probabilities, int64_t bins, double confidence) {
  MILLRACE_DO(check_probabilities(labels, probabilities));
  if (bins < 1 || bins > 1000) return Error{Code::invalid, fmt::format("{} bins are not between 1 and 1000", bins)};
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probabilities[a] < probabilities[b]; });

  std::vector<CalibrationSums> sums;
  size_t start = 0;
  for (const size_t end : ends_of(order, probabilities, static_cast<size_t>(bins))) {
    sums.push_back(sums_of(std::span(order).subspan(start, end - start), labels, probabilities));
    start = end;
  }
  return calibration(sums, confidence);
}

Result<Calibration> calibration(std::span<const CalibrationSums> bins, double confidence) {
  MILLRACE_TRY(const double z, checked_z(confidence));
  double rows = 0;
  for (const auto& bin : bins) rows += static_cast<double>(bin.rows);
  if (rows == 0) return Error{Code::invalid, "there are no rows"};
  Calibration out;
  Noise noise;
  double error = 0;
  for (const auto& sums : bins) {
    if (sums.rows == 0) continue;
    const double n = static_cast<double>(sums.rows), weight = n / rows;
    const CalibrationBin bin{sums.rows, sums.probabilities / n,
                             wilson_of_share(static_cast<double>(sums.positives) / n, n, z)};
    const double gap = std::fabs(bin.observed.value - bin.predicted);
    const double q = (bin.observed.value * n + 1) / (n + 2);
    error += weight * gap;
    noise.add(weight, q * (1 - q) / n);
    out.max_error = std::max(out.max_error, gap);
    out.bins.push_back(bin);
  }
  const double reach = noise.quantile(confidence);
  out.ece = {error, std::max(0.0, error - reach), std::min(1.0, error + reach)};
  return out;
}

}  // namespace millrace::stats
