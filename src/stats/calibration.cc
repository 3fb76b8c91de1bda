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

CalibrationBin bin_of(std::span<const size_t> rows, Labels labels, Scores probabilities, double z) {
  double predicted = 0, positives = 0;
  for (const size_t row : rows) {
    predicted += probabilities[row];
    positives += labels[row] != 0 ? 1 : 0;
  }
  const double n = static_cast<double>(rows.size());
  return {static_cast<int64_t>(rows.size()), predicted / n, wilson_of_share(positives / n, n, z)};
}

}  // namespace

Result<Calibration> calibration(Labels labels, Scores probabilities, int64_t bins, double confidence) {
  MILLRACE_DO(check_probabilities(labels, probabilities));
  MILLRACE_TRY(const double z, checked_z(confidence));
  if (bins < 1 || bins > 1000) return Error{Code::invalid, fmt::format("{} bins are not between 1 and 1000", bins)};
  std::vector<size_t> order(labels.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probabilities[a] < probabilities[b]; });

  Calibration out;
  double error = 0, noise = 0, noise_variance = 0;
  size_t start = 0;
  for (const size_t end : ends_of(order, probabilities, static_cast<size_t>(bins))) {
    const CalibrationBin bin = bin_of(std::span(order).subspan(start, end - start), labels, probabilities, z);
    start = end;
    const double n = static_cast<double>(bin.rows), weight = n / static_cast<double>(labels.size());
    const double gap = std::fabs(bin.observed.value - bin.predicted);
    const double q = (bin.observed.value * n + 1) / (n + 2);
    const double variance = q * (1 - q) / n;
    error += weight * gap;
    noise += weight * std::sqrt(variance * 2 / std::numbers::pi);
    noise_variance += weight * weight * variance * (1 - 2 / std::numbers::pi);
    out.max_error = std::max(out.max_error, gap);
    out.bins.push_back(bin);
  }
  const double reach = noise + normal_quantile(confidence) * std::sqrt(noise_variance);
  out.ece = {error, std::max(0.0, error - std::max(0.0, reach)), std::min(1.0, error + std::max(0.0, reach))};
  return out;
}

}  // namespace millrace::stats
