// Steps at the boundary: of a number's daily mean and spread, and of its whole distribution; and days that no longer
// differ from each other.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "data/cause/look.h"
#include "data/samples/value_codes.h"
#include "stats/histogram.h"
#include "stats/robust.h"

namespace millrace::data::cause {
namespace {

constexpr size_t kSide = 7;      // days on each side
constexpr int64_t kPlaces = 20;  // fewer places elsewhere are no comparison
constexpr double kLevelMargin = 1.5;
constexpr double kLevelFloor = 0.1;  // of the standard deviation of all days before
constexpr double kSpreadMargin = 1.6;
constexpr double kSpreadFloor = 0.2;  // of the logarithm
constexpr int64_t kBins = 20;
constexpr double kDistanceMargin = 1.4;
constexpr double kDistanceFloor = 0.15;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

constexpr size_t kEnough = 20'000;  // values for a quantile

struct Daily {
  std::vector<double> mean, spread;  // of each cell
};

Daily daily(const Look& look, const FrameColumn& column) {
  std::vector<double> n(look.days.size()), sum(n.size()), squares(n.size());
  for (size_t r = 0; r < look.frame.rows(); ++r) {
    const double value = column.numbers[r];
    if (look.days.of_row[r] < 0 || !std::isfinite(value)) continue;
    const auto d = static_cast<size_t>(look.days.of_row[r]);
    n[d] += 1, sum[d] += value, squares[d] += value * value;
  }
  Daily out{std::vector<double>(n.size(), kNone), std::vector<double>(n.size(), kNone)};
  for (size_t d = 0; d < n.size(); ++d) {
    if (n[d] == 0) continue;
    out.mean[d] = sum[d] / n[d];
    const double variance = squares[d] / n[d] - out.mean[d] * out.mean[d];
    if (n[d] > 2 && variance > 1e-12 * std::max(1.0, out.mean[d] * out.mean[d])) out.spread[d] = std::log(variance) / 2;
  }
  return out;
}

// Days on the far side: fewer when the batch is shorter.
size_t after(const Look& look) { return std::min(kSide, look.days.end - look.days.boundary); }

double batch_median(const Look& look, const std::vector<double>& by_day, size_t batch) {
  std::vector<double> values;
  for (size_t d = 0; d < by_day.size(); ++d)
    if (look.days.batch[d] == batch) values.push_back(by_day[d]);
  return stats::median(values);
}

// " and 95 % of it comes back in dataset:x@11", once there is a later batch.
std::string returned(const Look& look, const std::vector<double>& by_day, double step) {
  const auto& frame = look.frame;
  if (!frame.has_later() || step == 0) return "";
  const size_t edge = look.days.end;
  if (edge < kSide || edge + 1 > by_day.size()) return "";
  const size_t far = std::min(kSide, by_day.size() - edge);
  const double back = stats::median(std::span(by_day).subspan(edge, far)) -
                      stats::median(std::span(by_day).subspan(edge - kSide, kSide));
  const double share = std::clamp(-back / step, -9.99, 9.99);
  if (std::isnan(share) || share < 0.3) return "";
  return fmt::format("; {} of it comes back with {}", percent_text(share), frame.batches[frame.suspect + 1].node());
}

void level(Look& look, const FrameColumn& column, const std::vector<double>& mean) {
  const auto step = stats::step_at(mean, look.days.boundary, kSide, after(look));
  if (step.places < kPlaces) return;
  const double scale = stats::scaled_mad(std::span(mean).first(look.days.boundary));
  Evidence found{.kind = "jump_at_batch_boundary",
                 .columns = {column.name},
                 .value = std::abs(step.value - step.usual),
                 .limit = std::max({kLevelMargin * step.largest, kLevelFloor * scale, 1e-9}),
                 .series = look.series_of(mean)};
  look.consider(std::move(found), [&] {
    return fmt::format(
        "the daily mean of {} goes from {} to {} where {} begins; over the {} days before, steps between "
        "neighbouring weeks were at most {}{}",
        column.name, number_text(batch_median(look, mean, look.frame.suspect - 1)),
        number_text(batch_median(look, mean, look.frame.suspect)), look.frame.batches[look.frame.suspect].node(),
        look.days.boundary, number_text(step.largest), returned(look, mean, step.value));
  });
}

void spread(Look& look, const FrameColumn& column, const std::vector<double>& spreads) {
  const auto step = stats::step_at(spreads, look.days.boundary, kSide, after(look));
  if (step.places < kPlaces) return;
  look.consider({.kind = "spread_at_batch_boundary",
                 .columns = {column.name},
                 .value = std::abs(step.value - step.usual),
                 .limit = std::max(kSpreadFloor, kSpreadMargin * step.largest)},
                [&] {
                  return fmt::format(
                      "the spread of {} within a day changes by a factor of {} where {} begins; over the "
                      "{} days before by at most {} from week to week",
                      column.name, number_text(std::exp(step.value)), look.frame.batches[look.frame.suspect].node(),
                      look.days.boundary, number_text(std::exp(step.largest)));
                });
}

// Counts of (day, bin) on edges of the history.
std::vector<int64_t> binned(const Look& look, const FrameColumn& column, const std::vector<double>& edges) {
  std::vector<int64_t> out(look.days.size() * (edges.size() + 1), 0);
  for (size_t r = 0; r < look.frame.rows(); ++r) {
    const double value = column.numbers[r];
    if (look.days.of_row[r] < 0 || std::isnan(value)) continue;
    const auto bin = static_cast<size_t>(std::upper_bound(edges.begin(), edges.end(), value) - edges.begin());
    ++out[static_cast<size_t>(look.days.of_row[r]) * (edges.size() + 1) + bin];
  }
  return out;
}

double gap(const std::vector<int64_t>& counts, size_t bins, size_t at, size_t far) {
  std::vector<int64_t> below(bins, 0), above(bins, 0);
  int64_t n = 0, m = 0;
  for (size_t d = at - kSide; d < at + far; ++d)
    for (size_t b = 0; b < bins; ++b)
      (d < at ? below : above)[b] += counts[d * bins + b], (d < at ? n : m) += counts[d * bins + b];
  if (n == 0 || m == 0) return kNone;
  double largest = 0, difference = 0;
  for (size_t b = 0; b < bins; ++b) {
    difference +=
        static_cast<double>(below[b]) / static_cast<double>(n) - static_cast<double>(above[b]) / static_cast<double>(m);
    largest = std::max(largest, std::abs(difference));
  }
  return largest;
}

void distribution(Look& look, const FrameColumn& column) {
  std::vector<double> before;
  for (size_t r = 0; r < look.frame.rows(); ++r)
    if (look.frame.batch[r] < look.frame.suspect && std::isfinite(column.numbers[r]))
      before.push_back(column.numbers[r]);
  const auto edges = stats::quantile_edges(thinned(std::move(before), kEnough), kBins);
  const size_t far = after(look), boundary = look.days.boundary;
  if (!edges || edges->empty() || far == 0 || boundary < kSide + far + static_cast<size_t>(kPlaces)) return;
  const size_t bins = edges->size() + 1;
  const auto counts = binned(look, column, *edges);
  std::vector<double> elsewhere;
  for (size_t place = kSide; place + far <= boundary; ++place) elsewhere.push_back(gap(counts, bins, place, far));
  const double now = gap(counts, bins, boundary, far);
  look.consider({.kind = "distribution_at_batch_boundary",
                 .columns = {column.name},
                 .value = now,
                 .limit = limit_of(elsewhere, kDistanceMargin, kDistanceFloor)},
                [&] {
                  return fmt::format(
                      "the distributions of {} in the {} days before and the {} days after {} begins lie {} "
                      "apart (Kolmogorov-Smirnov); at the {} places before at most {}",
                      column.name, kSide, far, look.frame.batches[look.frame.suspect].node(), number_text(now),
                      elsewhere.size(), number_text(limit_of(elsewhere, 1, 0)));
                });
}

constexpr double kOrderHistory = 3;  // days must have differed at least so much in every batch
constexpr double kOrderNow = 2;      // and hardly do now; 1 is what chance gives
constexpr int64_t kOrderRows = 10;   // of a day

// Variance of the daily means over what it would be if rows stood in any order: 1 by chance. Values outside the 1st and
// 99th percentile are cut, so that one wild day does not decide.
double order(const Look& look, const FrameColumn& column, size_t batch) {
  std::vector<double> values;
  for (size_t r = 0; r < look.frame.rows(); ++r)
    if (look.frame.batch[r] == batch && std::isfinite(column.numbers[r])) values.push_back(column.numbers[r]);
  if (values.size() < 100) return kNone;
  const auto ends = stats::quantiles(thinned(std::move(values), kEnough), std::vector<double>{0.01, 0.99});
  std::vector<double> n(look.days.size()), sum(n.size());
  double total = 0, squares = 0;
  for (size_t r = 0; r < look.frame.rows(); ++r) {
    if (look.frame.batch[r] != batch || !std::isfinite(column.numbers[r]) || look.days.of_row[r] < 0) continue;
    const double value = std::clamp(column.numbers[r], ends[0], ends[1]);
    const auto d = static_cast<size_t>(look.days.of_row[r]);
    n[d] += 1, sum[d] += value, total += value, squares += value * value;
  }
  double rows = 0, days = 0, between = 0;
  for (const double count : n) rows += count;
  const double mean = total / rows, variance = squares / rows - mean * mean;
  for (size_t d = 0; d < n.size(); ++d) {
    if (n[d] < static_cast<double>(kOrderRows)) continue;
    ++days;
    between += n[d] * (sum[d] / n[d] - mean) * (sum[d] / n[d] - mean);
  }
  if (days < 5 || !(variance > 1e-12 * std::max(1.0, mean * mean))) return kNone;
  return between / (days - 1) / variance;
}

void days_that_differ(Look& look, const FrameColumn& column) {
  const auto& frame = look.frame;
  double lowest = std::numeric_limits<double>::infinity(), highest = 0;
  for (size_t b = 0; b < frame.history(); ++b) {
    const double one = order(look, column, b);
    if (std::isnan(one)) return;
    lowest = std::min(lowest, one), highest = std::max(highest, one);
  }
  const double now = order(look, column, frame.suspect);
  if (frame.history() < 2 || lowest < kOrderHistory || std::isnan(now)) return;
  const double limit = std::max(std::log(lowest / kOrderNow), 0.3 * std::log(highest / lowest));
  look.consider({.kind = "order_lost",
                 .columns = {column.name},
                 .value = std::log(lowest / std::max(now, 1e-3)),
                 .limit = std::max(0.4, limit)},
                [&] {
                  return fmt::format(
                      "days of {} differ {} times as much as rows in random order would; in the batches "
                      "before they differed {} to {} times: the values seem to stand in the wrong rows",
                      column.name, number_text(now), number_text(lowest), number_text(highest));
                });
}

}  // namespace

void look_at_levels(Look& look) {
  if (look.days.end == look.days.boundary) return;
  for (const auto& column : look.frame.columns) {
    if (!column.number || !column.is_evidence()) continue;
    const auto by_day = daily(look, column);
    level(look, column, by_day.mean);
    spread(look, column, by_day.spread);
    distribution(look, column);
  }
}

void look_at_order(Look& look) {
  for (const auto& column : look.frame.columns)
    if (column.number && column.is_evidence() && !column.clock) days_that_differ(look, column);
}

}  // namespace millrace::data::cause
