#include "stats/robust.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/histogram.h"

namespace millrace::stats {
namespace {

constexpr double kNormal = 1.4826;

std::vector<double> present(std::span<const double> values) {
  std::vector<double> out;
  out.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(out), [](double value) { return !std::isnan(value); });
  return out;
}

double step(std::span<const double> series, size_t at, size_t before, size_t after) {
  return median(series.subspan(at, after)) - median(series.subspan(at - before, before));
}

}  // namespace

double median(std::span<const double> values) {
  auto left = present(values);
  if (left.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = left.begin() + static_cast<int64_t>(left.size() / 2);
  std::nth_element(left.begin(), middle, left.end());
  if (left.size() % 2 == 1) return *middle;
  const double below = *std::max_element(left.begin(), middle);
  return below == *middle ? below : below + (*middle - below) / 2;
}

double scaled_mad(std::span<const double> values) {
  const double middle = median(values);
  std::vector<double> distances(values.size());
  std::transform(values.begin(), values.end(), distances.begin(),
                 [&](double value) { return std::abs(value - middle); });
  return kNormal * median(distances);
}

std::vector<double> quantiles(std::span<const double> values, std::span<const double> shares) {
  auto sorted = present(values);
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> out;
  out.reserve(shares.size());
  for (const double share : shares) out.push_back(quantile_of_sorted(sorted, share));
  return out;
}

Step step_at(std::span<const double> series, size_t at, size_t before, size_t after) {
  Step out{.value = std::numeric_limits<double>::quiet_NaN()};
  if (before == 0 || after == 0 || at < before || at + after > series.size()) return out;
  out.value = step(series, at, before, after);
  std::vector<double> elsewhere;
  for (size_t place = before; place + after <= at; ++place)
    if (const double value = step(series, place, before, after); !std::isnan(value)) elsewhere.push_back(value);
  out.places = static_cast<int64_t>(elsewhere.size());
  if (elsewhere.empty()) return out;
  out.usual = median(elsewhere);
  for (const double value : elsewhere) out.largest = std::max(out.largest, std::abs(value - out.usual));
  return out;
}

}  // namespace millrace::stats
