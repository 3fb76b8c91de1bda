// Nulls, values that the reference never had, values that come more often, and values that no longer come.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/compare/look.h"
#include "stats/normal.h"

namespace millrace::data::compare {
namespace {

constexpr double kNullFloor = 0.01, kNeverNullFloor = 0.003, kNullMargin = 2.5;
constexpr double kUnseenFloor = 0.003, kUnseenOfAValue = 1e-4, kUnseenMost = 0.015, kUnseenMargin = 3;
constexpr size_t kNumbersOfASet = 40;  // a number with more values is a measure or a name; its new values say little
constexpr double kUsual = 0.3;         // of rows with an unseen value in a block: values do not repeat, nothing to say
constexpr double kNewValueFloor = 0.004, kSpikeFloor = 0.015, kSpikeMargin = 2.5;
constexpr double kGoneShare = 0.01, kGoneMargin = 3, kNearlyGone = 0.2;

double share_of(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : std::nan("");
}

// Two-sided p value of two shares being one (pooled z test).
double p_of_shares(double p, int64_t n, double q, int64_t m) {
  const double pooled = (p * static_cast<double>(n) + q * static_cast<double>(m)) / static_cast<double>(n + m);
  const double error = std::sqrt(std::max(pooled * (1 - pooled), 1e-12)) * ks_error(n, m);
  return 2 * stats::normal_cdf(-std::abs(p - q) / error);
}

// Share of the rows of `group` whose value is in none of the other blocks.
double unseen(const Look& look, const Counts& counts, size_t group) {
  if (counts.present[group] == 0) return std::nan("");
  int64_t rows = 0;
  for (size_t v = 0; v < counts.values(); ++v) {
    const int64_t here = counts.at(v, group);
    if (here == 0) continue;
    const int64_t others = counts.in_reference(v) - (group == look.sample.batch ? 0 : here);
    if (others == 0) rows += here;
  }
  return share_of(rows, counts.present[group]);
}

void unseen_values(Look& look, size_t c) {
  const auto& column = look.sample.columns[c];
  const auto& counts = look.counts[c];
  const size_t batch = look.sample.batch;
  std::vector<double> usual;
  size_t distinct = 0;
  for (size_t b = 0; b < batch; ++b) usual.push_back(unseen(look, counts, b));
  for (size_t v = 0; v < counts.values(); ++v) distinct += counts.in_reference(v) > 0 ? 1 : 0;
  const double largest = limit_of(usual, 1, 0);
  // A label of the whole file (a month, a run) may be another one in the next file.
  if (largest > kUsual || distinct == 0) return;
  if (column.kind == Kind::number && distinct > kNumbersOfASet) return;
  const double now = unseen(look, counts, batch);
  const double floor = std::min(kUnseenMost, kUnseenFloor + kUnseenOfAValue * static_cast<double>(distinct));
  const double limit = limit_of(usual, kUnseenMargin, floor) + kSigmas * share_error(largest, counts.present[batch]);
  const auto is_unseen = [&](size_t r) {
    return column.codes[r] >= 0 && counts.in_reference(static_cast<size_t>(column.codes[r])) == 0;
  };
  look.consider({.kind = column.kind == Kind::text ? "new_category" : "new_values",
                 .columns = {column.name},
                 .value = now,
                 .limit = limit,
                 .effect = now - largest},
                [&](Signal& signal) {
                  size_t top = 0;
                  for (size_t v = 0; v < counts.values(); ++v)
                    if (counts.in_reference(v) == 0 &&
                        (counts.in_reference(top) > 0 || counts.at(v, batch) > counts.at(top, batch)))
                      top = v;
                  look.find_slice(signal, is_unseen);
                  signal.text = fmt::format(
                      "{} of the rows have a value of {} that the reference never has (from block to block of it at "
                      "most {}); the most frequent is {}",
                      percent_text(now), column.label, percent_text(largest), column.shown(static_cast<int32_t>(top)));
                });
}

struct Extreme {
  double by = 0;
  size_t value = 0;
};

// The value whose share in `group` lies furthest above its shares in every other block; `fresh`: among values that
// are in no other block.
Extreme furthest_up(const Look& look, const Counts& counts, size_t group, bool fresh) {
  Extreme out;
  for (size_t v = 0; v < counts.values(); ++v) {
    const int64_t here = counts.at(v, group);
    if (here == 0) continue;
    const bool is_fresh = counts.in_reference(v) == (group == look.sample.batch ? 0 : here);
    if (is_fresh != fresh) continue;
    double edge = 0;
    for (size_t b = 0; b < look.sample.batch; ++b)
      if (b != group) edge = std::max(edge, counts.share(v, b));
    if (const double by = counts.share(v, group) - edge; by > out.by) out = {by, v};
  }
  return out;
}

void frequent(Look& look, size_t c, bool fresh) {
  const auto& column = look.sample.columns[c];
  const auto& counts = look.counts[c];
  const size_t batch = look.sample.batch;
  if (counts.present[batch] == 0 || counts.values() < 3) return;
  std::vector<double> usual;
  for (size_t b = 0; b < batch; ++b) usual.push_back(furthest_up(look, counts, b, fresh).by);
  const auto now = furthest_up(look, counts, batch, fresh);
  const double largest = limit_of(usual, 1, 0);
  const double limit = limit_of(usual, kSpikeMargin, fresh ? kNewValueFloor : kSpikeFloor) +
                       kSigmas * share_error(fresh ? largest : counts.share(now.value, batch), counts.present[batch]);
  look.consider({.kind = fresh ? "new_value" : "frequent_value",
                 .columns = {column.name},
                 .value = now.by,
                 .limit = limit,
                 .effect = now.by,
                 .p_value = p_of_shares(share_of(counts.in_reference(now.value), look.reference_rows()),
                                        look.reference_rows(), counts.share(now.value, batch), counts.present[batch])},
                [&](Signal& signal) {
                  look.find_slice(signal, [&](size_t r) { return column.codes[r] == static_cast<int32_t>(now.value); });
                  signal.text = fmt::format(
                      "{} is {} in {} of the rows, {} in the reference", column.label,
                      column.shown(static_cast<int32_t>(now.value)), percent_text(counts.share(now.value, batch)),
                      fresh ? "never" : percent_text(share_of(counts.in_reference(now.value), look.reference_rows())));
                });
}

// A value that every block has and that is (nearly) gone.
void vanished(Look& look, size_t c) {
  const auto& column = look.sample.columns[c];
  const auto& counts = look.counts[c];
  const size_t batch = look.sample.batch;
  if (counts.present[batch] == 0) return;
  const auto fall = [&](size_t v, size_t group) {
    double lowest = 1;
    for (size_t b = 0; b < batch; ++b)
      if (b != group) lowest = std::min(lowest, counts.share(v, b));
    return lowest - counts.share(v, group);
  };
  std::vector<double> usual(batch, 0);
  Extreme now;
  for (size_t v = 0; v < counts.values(); ++v) {
    if (counts.in_reference(v) == 0) continue;
    for (size_t b = 0; b < batch; ++b) usual[b] = std::max(usual[b], fall(v, b));
    if (const double by = fall(v, batch); by > now.by) now = {by, v};
  }
  if (now.by == 0) return;
  const double limit = limit_of(usual, kGoneMargin, kGoneShare) +
                       kSigmas * share_error(counts.share(now.value, batch) + now.by, counts.present[batch]);
  look.consider(
      {.kind = "vanished_category", .columns = {column.name}, .value = now.by, .limit = limit, .effect = now.by},
      [&](Signal& signal) {
        if (counts.share(now.value, batch) < kNearlyGone * now.by) signal.gone = static_cast<int32_t>(now.value);
        signal.text =
            fmt::format("{} is {} in {} of the rows; in every block of the reference in at least {}", column.label,
                        column.shown(static_cast<int32_t>(now.value)), percent_text(counts.share(now.value, batch)),
                        percent_text(counts.share(now.value, batch) + now.by));
      });
}

// A time moves on, but one instant should not fill the batch more than it fills any block.
void crowded_time(Look& look, size_t c) {
  const auto& column = look.sample.columns[c];
  const auto& counts = look.counts[c];
  const auto top = [&](size_t group) {
    Extreme out;
    for (size_t v = 0; v < counts.values(); ++v)
      if (const double share = counts.share(v, group); share > out.by) out = {share, v};
    return out;
  };
  std::vector<double> usual;
  for (size_t b = 0; b < look.sample.batch; ++b)
    if (counts.present[b] > 0)
      usual.push_back(top(b).by * static_cast<double>(counts.present[b]) /
                      static_cast<double>(std::max<int64_t>(1, counts.present[look.sample.batch])));
  if (usual.empty() || counts.present[look.sample.batch] == 0) return;
  const auto now = top(look.sample.batch);
  const double limit =
      limit_of(usual, 2 * kSpikeMargin, kSpikeFloor) + kSigmas * share_error(now.by, counts.present[look.sample.batch]);
  look.consider({.kind = "frequent_value", .columns = {column.name}, .value = now.by, .limit = limit, .effect = now.by},
                [&](Signal& signal) {
                  look.find_slice(signal, [&](size_t r) { return column.codes[r] == static_cast<int32_t>(now.value); });
                  signal.text = fmt::format("{} is {} in {} of the rows", column.label,
                                            column.shown(static_cast<int32_t>(now.value)), percent_text(now.by));
                });
}

}  // namespace

void look_at_nulls(Look& look) {
  for (size_t c = 0; c < look.sample.columns.size(); ++c) {
    const auto& column = look.sample.columns[c];
    const auto& counts = look.counts[c];
    if (column.derived || look.batch_rows() == 0) continue;
    const auto rate = [&](size_t group) { return 1 - share_of(counts.present[group], counts.rows[group]); };
    int64_t present = 0;
    for (size_t b = 0; b < look.sample.batch; ++b) present += counts.present[b];
    const double usual = 1 - share_of(present, look.reference_rows()), now = rate(look.sample.batch);
    std::vector<double> away;
    for (size_t b = 0; b < look.sample.batch; ++b) away.push_back(std::abs(rate(b) - usual));
    const double limit = limit_of(away, kNullMargin, usual == 0 ? kNeverNullFloor : kNullFloor) +
                         kSigmas * share_error(usual, look.batch_rows());
    look.consider({.kind = "null_rate",
                   .columns = {column.name},
                   .value = std::abs(now - usual),
                   .limit = limit,
                   .effect = now - usual,
                   .p_value = p_of_shares(usual, look.reference_rows(), now, look.batch_rows())},
                  [&](Signal& signal) {
                    if (now > usual) look.find_slice(signal, [&](size_t r) { return column.is_null(r); });
                    signal.text = fmt::format("{} is missing in {} of the rows, in {} of the reference's", column.label,
                                              percent_text(now), percent_text(usual));
                  });
  }
}

void look_at_values(Look& look) {
  for (size_t c = 0; c < look.sample.columns.size(); ++c) {
    const auto& column = look.sample.columns[c];
    if (column.dated) {
      if (column.kind == Kind::time) crowded_time(look, c);
      continue;
    }
    if (column.kind == Kind::text || column.whole) unseen_values(look, c);
    frequent(look, c, true);
    frequent(look, c, false);
    if (column.kind == Kind::text) vanished(look, c);
  }
}

}  // namespace millrace::data::compare
