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
  std::vector<double> edges;
  const bool few = runs.size() <= static_cast<size_t>(bins);
  const double least = static_cast<double>(sorted.size()) / 100;
  double left = static_cast<double>(sorted.size()), inside = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    const double bins_left = static_cast<double>(bins) - static_cast<double>(edges.size());
    const double target = std::max(least, left / bins_left);
    const double here = static_cast<double>(runs[i].second);
    // A new bin begins where the one before is full, or where this value alone fills one.
    if (inside > 0 && bins_left > 1 && (few || inside >= target || here >= target)) {
      edges.push_back(runs[i].first);
      left -= inside;
      inside = 0;
    }
    inside += here;
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
