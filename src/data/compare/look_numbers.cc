// Numbers outside what the reference has, other distributions, other spreads, other units, other digits.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "data/compare/look.h"
#include "data/samples/conversion.h"
#include "data/samples/value_codes.h"
#include "stats/distance.h"
#include "stats/histogram.h"
#include "stats/robust.h"

namespace millrace::data::compare {
namespace {

constexpr int64_t kBins = 24;
constexpr double kOutsideFloor = 0.003, kOutsideMargin = 3;
constexpr double kBeyond = 0.1;  // of the width of the middle 98 percent
constexpr double kWander = 2.5;  // times the range of the blocks' medians
constexpr double kDistanceFloor = 0.12, kTimedFloor = 0.16, kDistanceMargin = 1.6, kMoves = 0.25, kMovesMargin = 2.2,
                 kDistanceError = 2.5;
constexpr double kSpreadFloor = 0.3, kSpreadMargin = 1.8;  // of the logarithm
constexpr double kGridFloor = 0.05, kGridMargin = 2.5;
constexpr std::array kGrids{0.01, 0.1, 1.0, 5.0, 10.0, 100.0};
constexpr size_t kGridValues = 8;
constexpr size_t kLeastRows = 30;
constexpr size_t kEnough = 20'000;

std::vector<double> values_of(const Sample& sample, const Column& column, const std::function<bool(size_t)>& wanted) {
  std::vector<double> out;
  for (size_t r = 0; r < sample.rows(); ++r)
    if (wanted(sample.group[r]) && std::isfinite(column.numbers[r])) out.push_back(column.numbers[r]);
  return out;
}

struct Groups {
  std::vector<std::vector<double>> values;  // of each block, then the batch
  std::vector<double> reference;            // thinned, ascending
  std::vector<double> medians;              // of each block
};

Groups groups_of(const Look& look, const Column& column) {
  Groups out;
  out.values.resize(look.sample.batch + 1);
  for (size_t r = 0; r < look.sample.rows(); ++r)
    if (std::isfinite(column.numbers[r])) out.values[look.sample.group[r]].push_back(column.numbers[r]);
  out.reference = thinned(values_of(look.sample, column, [&](size_t g) { return g < look.sample.batch; }), kEnough);
  std::sort(out.reference.begin(), out.reference.end());
  for (size_t b = 0; b < look.sample.batch; ++b) out.medians.push_back(stats::median(out.values[b]));
  return out;
}

struct Range {
  double low = 0, high = 0;
};

// What the values of `without` the group reach, widened by how far they wander from block to block.
Range range_of(const Groups& groups, size_t without) {
  std::vector<double> known, medians;
  for (size_t b = 0; b + 1 < groups.values.size(); ++b) {
    if (b == without) continue;
    known.insert(known.end(), groups.values[b].begin(), groups.values[b].end());
    if (!std::isnan(groups.medians[b])) medians.push_back(groups.medians[b]);
  }
  if (known.size() < kLeastRows) return {std::nan(""), std::nan("")};
  const auto [least, most] = std::minmax_element(known.begin(), known.end());
  const Range all{*least, *most};
  const auto middle = stats::quantiles(thinned(std::move(known), kEnough), std::vector<double>{0.01, 0.99});
  double wander = 0;
  if (!medians.empty()) {
    const auto [a, b] = std::minmax_element(medians.begin(), medians.end());
    wander = *b - *a;
  }
  const double reach = kBeyond * (middle[1] - middle[0]) + kWander * wander;
  // What begins at zero counts something: it has no reason to become negative. A temperature has.
  return {all.low == 0 ? -1e-9 : all.low - reach, all.high + reach};
}

double share_outside(const std::vector<double>& values, const Range& range) {
  if (values.empty() || std::isnan(range.low)) return std::nan("");
  const auto count =
      std::count_if(values.begin(), values.end(), [&](double v) { return v < range.low || v > range.high; });
  return static_cast<double>(count) / static_cast<double>(values.size());
}

void outside(Look& look, const Column& column, const Groups& groups) {
  const size_t batch = look.sample.batch;
  const auto range = range_of(groups, batch);
  if (std::isnan(range.low) || range.low == range.high) return;  // one value only: the label of a file
  std::vector<double> usual;
  for (size_t b = 0; b < batch; ++b) usual.push_back(share_outside(groups.values[b], range_of(groups, b)));
  const double now = share_outside(groups.values[batch], range), largest = limit_of(usual, 1, 0);
  const auto rows = static_cast<int64_t>(groups.values[batch].size());
  look.consider({.kind = "range",
                 .columns = {column.name},
                 .value = now,
                 .limit = limit_of(usual, kOutsideMargin, kOutsideFloor) + kSigmas * share_error(largest, rows),
                 .effect = now - largest},
                [&](Signal& signal) {
                  look.find_slice(signal, [&](size_t r) {
                    return column.numbers[r] < range.low || column.numbers[r] > range.high;
                  });
                  signal.text = fmt::format(
                      "{} of the values of {} lie outside {} to {}, which holds all of the reference and how it moves",
                      percent_text(now), column.label, number_text(range.low), number_text(range.high));
                });
}

std::vector<int64_t> binned(const std::vector<double>& values, const std::vector<double>& edges) {
  std::vector<int64_t> out(edges.size() + 1, 0);
  for (const double v : values)
    ++out[static_cast<size_t>(std::upper_bound(edges.begin(), edges.end(), v) - edges.begin())];
  return out;
}

double gap(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  int64_t n = 0, m = 0;
  for (size_t i = 0; i < a.size(); ++i) n += a[i], m += b[i];
  if (n == 0 || m == 0) return std::nan("");
  double out = 0, difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference +=
        static_cast<double>(a[i]) / static_cast<double>(n) - static_cast<double>(b[i]) / static_cast<double>(m);
    out = std::max(out, std::abs(difference));
  }
  return out;
}

std::string conversion_of(const Column& column, const Groups& groups, size_t batch) {
  if (groups.values[batch].size() < kLeastRows) return "";
  const auto before = stats::quantiles(groups.reference, conversion_shares);
  const auto after = stats::quantiles(thinned(groups.values[batch], kEnough), conversion_shares);
  const auto found = find_conversion(before, after);
  return found && !found->name.empty() ? "; " + conversion_text(column.label, *found) : "";
}

void distribution(Look& look, const Column& column, const Groups& groups) {
  const size_t batch = look.sample.batch;
  if (groups.values[batch].size() < kLeastRows || groups.reference.size() < kLeastRows) return;
  const auto edges = stats::even_edges(groups.reference, kBins);
  if (!edges || edges->empty()) return;
  std::vector<std::vector<int64_t>> counts;
  std::vector<int64_t> all(edges->size() + 1, 0);
  for (size_t g = 0; g <= batch; ++g) {
    counts.push_back(binned(groups.values[g], *edges));
    for (size_t i = 0; g < batch && i < all.size(); ++i) all[i] += counts[g][i];
  }
  std::vector<double> usual;
  for (size_t b = 0; b < batch; ++b) {
    auto others = all;
    for (size_t i = 0; i < others.size(); ++i) others[i] -= counts[b][i];
    usual.push_back(gap(others, counts[b]));
  }
  const double now = gap(all, counts[batch]);
  const int64_t n = look.reference_rows(), m = static_cast<int64_t>(groups.values[batch].size());
  // What moves much from block to block may move on.
  const double margin = look.sample.timed && limit_of(usual, 1, 0) > kMoves ? kMovesMargin : kDistanceMargin;
  const double limit =
      limit_of(usual, margin, look.sample.timed ? kTimedFloor : kDistanceFloor) + kDistanceError * ks_error(n, m);
  const auto test = stats::kolmogorov_smirnov(all, counts[batch]);
  look.consider({.kind = "distribution",
                 .columns = {column.name},
                 .value = now,
                 .limit = std::min(limit, 1.5),
                 .effect = now,
                 .p_value = test ? std::optional(test->p_value) : std::nullopt},
                [&](Signal& signal) {
                  signal.text = fmt::format(
                      "the distribution of {} is {} away from the reference's (Kolmogorov-Smirnov; from block to block "
                      "of it at most {}): its median is {}, it was {}{}",
                      column.label, number_text(now), number_text(limit_of(usual, 1, 0)),
                      number_text(stats::median(groups.values[batch])), number_text(stats::median(groups.reference)),
                      conversion_of(column, groups, batch));
                });
}

double log_spread(const std::vector<double>& values) {
  if (values.size() < kLeastRows) return std::nan("");
  const auto ends = stats::quantiles(thinned(values, kEnough), std::vector<double>{0.1, 0.9});
  return ends[1] > ends[0] ? std::log(ends[1] - ends[0]) : std::nan("");
}

void spread(Look& look, const Column& column, const Groups& groups) {
  const size_t batch = look.sample.batch;
  std::vector<double> spreads;
  for (size_t b = 0; b < batch; ++b) spreads.push_back(log_spread(groups.values[b]));
  if (std::any_of(spreads.begin(), spreads.end(), [](double v) { return std::isnan(v); })) return;
  const double usual = stats::median(spreads), now = log_spread(groups.values[batch]);
  std::vector<double> away;
  for (const double one : spreads) away.push_back(std::abs(one - usual));
  // The whole reference is wider than its blocks when it wanders; a batch of its length may be as wide.
  const double whole = log_spread(groups.reference) - usual;
  const double off = now > usual ? std::max(0.0, now - usual - std::max(0.0, whole)) : usual - now;
  const double limit =
      limit_of(away, kSpreadMargin, kSpreadFloor) + 4 / std::sqrt(static_cast<double>(groups.values[batch].size() + 1));
  look.consider(
      {.kind = "spread", .columns = {column.name}, .value = off, .limit = limit, .effect = std::exp(now - usual)},
      [&](Signal& signal) {
        signal.text =
            fmt::format("the spread of {} is {} times what it is within blocks of the reference{}", column.label,
                        number_text(std::exp(now - usual)), conversion_of(column, groups, batch));
      });
}

// Rounded, or with digits that were not there.
void precision(Look& look, size_t c, const Column& column, const Groups& groups) {
  const size_t batch = look.sample.batch;
  if (column.texts.size() < kGridValues || groups.values[batch].size() < kLeastRows) return;
  const auto share = [](const std::vector<double>& values, double grid) {
    if (values.empty()) return std::nan("");
    const auto count = std::count_if(values.begin(), values.end(),
                                     [&](double v) { return std::abs(v / grid - std::round(v / grid)) < 1e-6; });
    return static_cast<double>(count) / static_cast<double>(values.size());
  };
  Signal best{.kind = "precision", .columns = {column.name}, .limit = kGridFloor};
  double grid_of_best = 0, usual_of_best = 0;
  for (const double grid : kGrids) {
    std::vector<double> usual;
    for (size_t b = 0; b < batch; ++b)
      if (!groups.values[b].empty()) usual.push_back(share(groups.values[b], grid));
    if (usual.empty()) return;
    const auto [low, high] = std::minmax_element(usual.begin(), usual.end());
    const double now = share(groups.values[batch], grid), middle = stats::median(usual);
    // Where all values lay on the grid, a few that do not are odd already.
    const double floor = *low == 1 ? 0.004 : kGridFloor;
    const double limit = std::max(floor, kGridMargin * (*high - *low)) +
                         kSigmas * share_error(middle, static_cast<int64_t>(groups.values[batch].size()));
    const double away = std::max({0.0, now - *high, *low - now});
    if (away / limit > best.ratio())
      best.value = away, best.limit = limit, best.effect = now - middle, grid_of_best = grid, usual_of_best = middle;
  }
  (void)c;
  look.consider(std::move(best), [&](Signal& signal) {
    const double grid = grid_of_best;
    const double now = usual_of_best + *signal.effect;
    const auto on_grid = [&](size_t r) {
      return std::isfinite(column.numbers[r]) &&
             std::abs(column.numbers[r] / grid - std::round(column.numbers[r] / grid)) < 1e-6;
    };
    look.find_slice(signal,
                    [&](size_t r) { return std::isfinite(column.numbers[r]) && on_grid(r) == (now > usual_of_best); });
    signal.text = fmt::format("{} of the values of {} are multiples of {}, {} of the reference's", percent_text(now),
                              column.label, number_text(grid), percent_text(usual_of_best));
  });
}

}  // namespace

void look_at_numbers(Look& look) {
  for (size_t c = 0; c < look.sample.columns.size(); ++c) {
    const auto& column = look.sample.columns[c];
    if (column.kind != Kind::number || column.dated) continue;
    const auto groups = groups_of(look, column);
    distribution(look, column, groups);
    if (!column.derived) {
      outside(look, column, groups);
      spread(look, column, groups);
      precision(look, c, column, groups);
    }
  }
}

}  // namespace millrace::data::compare
