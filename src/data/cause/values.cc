// Nulls, values that were never there, and values that come more often than ever.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/cause/look.h"
#include "stats/robust.h"

namespace millrace::data::cause {
namespace {

// Shares of a batch below these are no evidence, whatever history says.
constexpr double kNullFloor = 0.03;
constexpr double kNewFloor = 0.03;
constexpr double kSpikeFloor = 0.03;
constexpr double kFallFloor = 0.01;
constexpr double kMargin = 3;
constexpr double kConstantMargin = 2;

double share_of_null(const Counts& counts, size_t batch) {
  if (counts.rows[batch] == 0) return std::nan("");
  return 1 - static_cast<double>(counts.present[batch]) / static_cast<double>(counts.rows[batch]);
}

// Share of `batch` whose value is in none of the other batches of history.
double unseen(const Counts& counts, size_t history, size_t batch) {
  if (counts.present[batch] == 0) return std::nan("");
  int64_t rows = 0;
  for (size_t v = 0; v < counts.values(); ++v) {
    if (counts.at(v, batch) == 0) continue;
    bool seen = false;
    for (size_t b = 0; b < history && !seen; ++b) seen = b != batch && counts.at(v, b) > 0;
    if (!seen) rows += counts.at(v, batch);
  }
  return static_cast<double>(rows) / static_cast<double>(counts.present[batch]);
}

struct Extreme {
  double by = 0;
  size_t value = 0;
};

// The value whose share in `batch` lies furthest above (or, `down`, below) its shares in the other batches of history.
Extreme furthest(const Counts& counts, size_t history, size_t batch, bool down) {
  Extreme out;
  for (size_t v = 0; v < counts.values(); ++v) {
    double edge = down ? 1 : 0;
    for (size_t b = 0; b < history; ++b)
      if (b != batch && counts.present[b] > 0)
        edge = down ? std::min(edge, counts.share(v, b)) : std::max(edge, counts.share(v, b));
    const double by = down ? edge - counts.share(v, batch) : counts.share(v, batch) - edge;
    if (by > out.by) out = {by, v};
  }
  return out;
}

double share_before(const Counts& counts, size_t history, size_t value) {
  std::vector<double> shares;
  for (size_t b = 0; b < history; ++b) shares.push_back(counts.share(value, b));
  return stats::median(shares);
}

double top_share(const Counts& counts, size_t batch) {
  double out = 0;
  for (size_t v = 0; v < counts.values(); ++v) out = std::max(out, counts.share(v, batch));
  return out;
}

void new_values(Look& look, const FrameColumn& column, const Counts& counts) {
  const auto& frame = look.frame;
  std::vector<double> usual;
  for (size_t b = 0; b < frame.history(); ++b) usual.push_back(unseen(counts, frame.history(), b));
  const auto now = unseen(counts, frame.history(), frame.suspect);
  std::vector<char> is_new(counts.values());
  size_t top = 0;
  int64_t top_rows = 0;
  for (size_t v = 0; v < counts.values(); ++v) {
    is_new[v] = 1;
    for (size_t b = 0; b < frame.history(); ++b)
      if (counts.at(v, b) > 0) is_new[v] = 0;
    if (is_new[v] && counts.at(v, frame.suspect) > top_rows) top = v, top_rows = counts.at(v, frame.suspect);
  }
  Evidence found{.kind = column.number ? "new_values" : "new_category",
                 .columns = {column.name},
                 .value = now,
                 .limit = limit_of(usual, kMargin, kNewFloor)};
  look.consider(std::move(found), [&] {
    return fmt::format(
        "{} of the {} rows of {} have a value of {} that none of the {} batches before had (at most {} in any of "
        "those); the most frequent is {} in {}",
        percent_text(now), counts.present[frame.suspect], frame.batches[frame.suspect].node(), column.name,
        frame.history(), percent_text(limit_of(usual, 1, 0)), column.shown(static_cast<int32_t>(top)),
        percent_text(counts.share(top, frame.suspect)));
  });
  if (!look.evidence.empty() && look.evidence.back().series.empty() && look.evidence.back().columns[0] == column.name &&
      look.evidence.back().kind.starts_with("new_"))
    look.evidence.back().series = look.series([&](size_t r) {
      return column.codes[r] < 0 ? std::nan("") : static_cast<double>(is_new[static_cast<size_t>(column.codes[r])]);
    });
}

void spike_and_fall(Look& look, const FrameColumn& column, const Counts& counts, bool down) {
  const auto& frame = look.frame;
  std::vector<double> usual;
  for (size_t b = 0; b < frame.history(); ++b) usual.push_back(furthest(counts, frame.history(), b, down).by);
  const auto now = furthest(counts, frame.history(), frame.suspect, down);
  const double before = counts.values() == 0 ? 0 : share_before(counts, frame.history(), now.value);
  Evidence found{.kind = down ? "vanished_category" : "frequent_value",
                 .columns = {column.name},
                 .value = now.by,
                 .limit = limit_of(usual, kMargin, down ? kFallFloor : kSpikeFloor)};
  if (counts.values() == 0) return;
  if (now.by > found.limit)
    found.series = look.series([&](size_t r) {
      return column.codes[r] < 0 ? std::nan("") : column.codes[r] == static_cast<int32_t>(now.value) ? 1.0 : 0.0;
    });
  look.consider(std::move(found), [&] {
    return fmt::format("{} = {} has {} of the rows of {}, {} in the batches before", column.name,
                       column.shown(static_cast<int32_t>(now.value)),
                       percent_text(counts.share(now.value, frame.suspect)), frame.batches[frame.suspect].node(),
                       percent_text(before));
  });
}

// How much is left beside the most frequent value, as a logarithm: a constant leaves nothing.
void constant(Look& look, const FrameColumn& column, const Counts& counts) {
  const auto& frame = look.frame;
  const auto left = [&](size_t batch) { return std::log(1 - top_share(counts, batch) + 1e-4); };
  std::vector<double> usual;
  for (size_t b = 0; b < frame.history(); ++b)
    if (counts.present[b] > 0) usual.push_back(left(b));
  if (usual.size() < 2 || counts.present[frame.suspect] == 0) return;
  const auto [low, high] = std::minmax_element(usual.begin(), usual.end());
  const double limit = std::max(1.5, kConstantMargin * (*high - *low));
  look.consider({.kind = "constant", .columns = {column.name}, .value = *low - left(frame.suspect), .limit = limit},
                [&, low = low] {
                  return fmt::format("{} of the values of {} are the same in {}; before it was at most {}",
                                     percent_text(top_share(counts, frame.suspect)), column.name,
                                     frame.batches[frame.suspect].node(), percent_text(1 - std::exp(*low)));
                });
}

}  // namespace

void look_at_nulls(Look& look) {
  const auto& frame = look.frame;
  for (size_t c = 0; c < frame.columns.size(); ++c) {
    const auto& column = frame.columns[c];
    if (column.clock) continue;
    std::vector<double> shares;
    for (size_t b = 0; b < frame.history(); ++b) shares.push_back(share_of_null(look.counts[c], b));
    const double usual = stats::median(shares);
    std::vector<double> away;
    for (const double share : shares) away.push_back(std::abs(share - usual));
    const double now = share_of_null(look.counts[c], frame.suspect);
    Evidence found{.kind = "null_rate",
                   .columns = {column.name},
                   .value = std::abs(now - usual),
                   .limit = limit_of(away, kMargin, kNullFloor)};
    if (found.value > found.limit)
      found.series = look.series([&](size_t r) { return column.codes[r] < 0 ? 1.0 : 0.0; });
    look.consider(std::move(found), [&] {
      return fmt::format("{} is missing in {} of the rows of {}, {} in the batches before", column.name,
                         percent_text(now), frame.batches[frame.suspect].node(), percent_text(usual));
    });
  }
}

void look_at_values(Look& look) {
  for (size_t c = 0; c < look.frame.columns.size(); ++c) {
    const auto& column = look.frame.columns[c];
    if (!column.is_evidence()) continue;
    if (!column.clock) new_values(look, column, look.counts[c]);
    spike_and_fall(look, column, look.counts[c], false);
    if (!column.number) spike_and_fall(look, column, look.counts[c], true);
    constant(look, column, look.counts[c]);
  }
}

}  // namespace millrace::data::cause
