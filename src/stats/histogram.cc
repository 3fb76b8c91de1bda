#include "stats/histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace millrace::stats {

double quantile_of_sorted(std::span<const double> sorted, double p) {
  if (sorted.empty() || !(p >= 0 && p <= 1)) return std::numeric_limits<double>::quiet_NaN();
  const double place = static_cast<double>(sorted.size() - 1) * p;
  const size_t below = static_cast<size_t>(place);
  const double part = place - static_cast<double>(below);
  // Equal neighbours need no arithmetic: infinity minus infinity would be NaN.
  if (part == 0 || sorted[below] == sorted[below + 1]) return sorted[below];
  return sorted[below] + (sorted[below + 1] - sorted[below]) * part;
}

Result<std::vector<double>> quantile_edges(std::span<const double> values, int64_t bins) {
  if (bins < 1 || bins > 10'000) return Error{Code::invalid, fmt::format("{} bins are not between 1 and 10000", bins)};
  std::vector<double> finite;
  finite.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](double value) { return std::isfinite(value); });
  std::sort(finite.begin(), finite.end());
  std::vector<double> edges;
  for (int64_t i = 1; i < bins && !finite.empty(); ++i) {
    const double edge = quantile_of_sorted(finite, static_cast<double>(i) / static_cast<double>(bins));
    if (edge > (edges.empty() ? finite.front() : edges.back())) edges.push_back(edge);
  }
  return edges;
}

Result<std::vector<double>> even_edges(std::span<const double> sorted, int64_t bins) {
  if (bins < 1 || bins > 100) return Error{Code::invalid, fmt::format("{} bins are not between 1 and 100", bins)};
  std::vector<std::pair<double, size_t>> runs;  // distinct values and how often they occur
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (!std::isfinite(sorted[i]) || (i > 0 && sorted[i] < sorted[i - 1]))
      return Error{Code::invalid, fmt::format("value {}, {}, is not finite or below the one before", i, sorted[i])};
    if (runs.empty() || runs.back().first != sorted[i]) runs.emplace_back(sorted[i], 0);
    ++runs.back().second;
  }
  const double rows = static_cast<double>(sorted.size()), least = rows / 100, full = rows / static_cast<double>(bins);
  const auto is_heavy = [&](const auto& run) { return static_cast<double>(run.second) >= full; };
  const bool few = runs.size() <= static_cast<size_t>(bins);
  double heavy_left = 0, rest_left = rows;  // runs that fill a bin, and the rows of all others
  for (const auto& run : runs)
    if (is_heavy(run)) heavy_left += 1, rest_left -= static_cast<double>(run.second);

  std::vector<double> edges;
  double inside = 0;  // rows of the bin that is being filled
  bool heavy = false;
  for (const auto& run : runs) {
    const double bins_left = static_cast<double>(bins) - static_cast<double>(edges.size());
    const double target = std::max(least, rest_left / std::max(1.0, bins_left - heavy_left));
    if (inside > 0 && bins_left > 1 && (few || heavy || is_heavy(run) || inside >= target)) {
      edges.push_back(run.first);
      (heavy ? heavy_left : rest_left) -= heavy ? 1 : inside;
      inside = 0;
    }
    heavy = is_heavy(run);
    inside += static_cast<double>(run.second);
  }
  return edges;
}

Result<Histogram> Histogram::make(std::vector<double> edges) {
  for (size_t i = 0; i < edges.size(); ++i)
    if (!std::isfinite(edges[i]) || (i > 0 && !(edges[i] > edges[i - 1])))
      return Error{Code::invalid,
                   fmt::format("edge {} of a histogram, {}, is not finite or not above the one before", i, edges[i])};
  return Histogram(std::move(edges));
}

size_t Histogram::bin_of(double value) const {
  return static_cast<size_t>(std::upper_bound(edges_.begin(), edges_.end(), value) - edges_.begin());
}

void Histogram::add(double value, int64_t rows) {
  if (std::isnan(value))
    nans_ += rows;
  else
    counts_[bin_of(value)] += rows;
}

Result<void> Histogram::merge(const Histogram& other) {
  if (edges_ != other.edges_) return Error{Code::invalid, "histograms over different edges cannot be merged"};
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  nulls_ += other.nulls_;
  nans_ += other.nans_;
  return {};
}

int64_t Histogram::rows() const { return std::accumulate(counts_.begin(), counts_.end(), nulls_ + nans_); }

}  // namespace millrace::stats
