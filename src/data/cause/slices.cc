// Rows a day of each text value (a slice that vanished, shrank or doubled), and how finely numbers are given.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "data/cause/look.h"

namespace millrace::data::cause {
namespace {

constexpr double kSliceShare = 0.005;  // of every batch before: smaller slices come and go
constexpr int64_t kSliceRows = 30;
constexpr double kSliceFloor = 0.45;  // of the logarithm: times 1.57, or down to 64 percent
constexpr double kSliceMargin = 1.5;
constexpr std::array kGrids{0.1, 1.0, 5.0, 10.0, 100.0};
constexpr double kGridFloor = 0.05;
constexpr double kGridMargin = 2;
constexpr size_t kGridValues = 5;

double a_day(const Look& look, const Counts& counts, size_t value, size_t batch) {
  const auto days = std::max<size_t>(1, look.days.in_batch(batch));
  return static_cast<double>(counts.at(value, batch)) / static_cast<double>(days);
}

void slices(Look& look, const FrameColumn& column, const Counts& counts) {
  const auto& frame = look.frame;
  if (frame.history() < 2) return;
  double usual = 0, now = 0;
  size_t which = 0;
  for (size_t v = 0; v < counts.values(); ++v) {
    bool steady = true;
    for (size_t b = 0; b < frame.history() && steady; ++b)
      steady = counts.share(v, b) >= kSliceShare && counts.at(v, b) >= kSliceRows;
    if (!steady) continue;
    const auto change = [&](size_t batch) {
      const double floor = 0.5 / static_cast<double>(std::max<size_t>(1, look.days.in_batch(batch)));
      return std::log(std::max(a_day(look, counts, v, batch), floor) / a_day(look, counts, v, batch - 1));
    };
    for (size_t b = 1; b < frame.history(); ++b) usual = std::max(usual, std::abs(change(b)));
    if (const double size = std::abs(change(frame.suspect)); size > now) now = size, which = v;
  }
  if (now == 0) return;
  Evidence found{
      .kind = "slice", .columns = {column.name}, .value = now, .limit = std::max(kSliceFloor, kSliceMargin * usual)};
  if (now > found.limit) {
    std::vector<double> by_day(look.days.size(), 0);
    for (size_t r = 0; r < frame.rows(); ++r)
      if (look.days.of_row[r] >= 0 && column.codes[r] == static_cast<int32_t>(which))
        by_day[static_cast<size_t>(look.days.of_row[r])] += 1;
    found.series = look.series_of(by_day);
  }
  look.consider(std::move(found), [&] {
    const double after = a_day(look, counts, which, frame.suspect),
                 before = a_day(look, counts, which, frame.suspect - 1);
    return fmt::format(
        "{} = {} has {} rows a day in {}, {} in the batch before; no slice of {} changed by more than a factor "
        "of {} from batch to batch",
        column.name, column.shown(static_cast<int32_t>(which)), number_text(after), frame.batches[frame.suspect].node(),
        number_text(before), column.name, number_text(std::exp(usual)));
  });
}

void precision(Look& look, const FrameColumn& column, const Counts& counts) {
  const auto& frame = look.frame;
  std::array<std::vector<double>, kGrids.size()> shares;
  for (auto& of : shares) of.assign(frame.batches.size(), 0);
  for (size_t r = 0; r < frame.rows(); ++r) {
    const double value = column.numbers[r];
    if (!std::isfinite(value)) continue;
    for (size_t g = 0; g < kGrids.size(); ++g) {
      const double steps = value / kGrids[g];
      if (std::abs(steps - std::round(steps)) < 1e-6) shares[g][frame.batch[r]] += 1;
    }
  }
  double best = 0;
  Evidence found{.kind = "precision", .columns = {column.name}, .limit = kGridFloor};
  size_t grid = 0;
  for (size_t g = 0; g < kGrids.size(); ++g) {
    std::vector<double> usual;
    for (size_t b = 0; b < frame.batches.size(); ++b)
      if (counts.present[b] > 0) shares[g][b] /= static_cast<double>(counts.present[b]);
    for (size_t b = 0; b < frame.history(); ++b)
      if (counts.present[b] > 0) usual.push_back(shares[g][b]);
    if (usual.empty()) return;
    const auto [low, high] = std::minmax_element(usual.begin(), usual.end());
    const double now = shares[g][frame.suspect];
    const double away = std::max(now - *high, *low - now), limit = std::max(kGridFloor, kGridMargin * (*high - *low));
    if (away / limit > best) best = away / limit, found.value = away, found.limit = limit, grid = g;
  }
  look.consider(std::move(found), [&] {
    return fmt::format("{} of the values of {} are multiples of {} in {}, {} in the batch before",
                       percent_text(shares[grid][frame.suspect]), column.name, number_text(kGrids[grid]),
                       frame.batches[frame.suspect].node(), percent_text(shares[grid][frame.suspect - 1]));
  });
}

}  // namespace

void look_at_slices(Look& look) {
  for (size_t c = 0; c < look.frame.columns.size(); ++c)
    if (!look.frame.columns[c].number && look.frame.columns[c].is_evidence())
      slices(look, look.frame.columns[c], look.counts[c]);
}

void look_at_precision(Look& look) {
  for (size_t c = 0; c < look.frame.columns.size(); ++c) {
    const auto& column = look.frame.columns[c];
    if (column.number && column.is_evidence() && !column.clock && column.texts.size() >= kGridValues &&
        look.counts[c].present[look.frame.suspect] > 0)
      precision(look, column, look.counts[c]);
  }
}

}  // namespace millrace::data::cause
