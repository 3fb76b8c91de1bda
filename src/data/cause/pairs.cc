// Pairs of values that stand in one row for the first time although each of them is known: what a shuffled, swapped or
// shifted column does to the columns beside it.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/cause/look.h"

namespace millrace::data::cause {
namespace {

constexpr size_t kPairColumns = 18;
constexpr size_t kPairValues = 5'000;
constexpr double kPairUsual = 0.15;  // pairs that are new so often anyway say nothing
constexpr double kPairMargin = 2.5;
constexpr double kPairFloor = 0.03;
constexpr size_t kDirectTable = 1 << 22;

// Batches in which each pair of codes stands: a bit a batch.
class PairTable {
 public:
  explicit PairTable(size_t first, size_t second, size_t rows)
      : second_(second), direct_(first * second <= kDirectTable) {
    size_t slots = direct_ ? first * second : 1024;
    while (!direct_ && slots < 2 * rows) slots *= 2;
    masks_.assign(slots, 0);
    if (!direct_) keys_.assign(slots, ~uint64_t{0});
  }
  uint64_t& mask(int32_t a, int32_t b) {
    const uint64_t key = static_cast<uint64_t>(a) * second_ + static_cast<uint64_t>(b);
    if (direct_) return masks_[key];
    size_t slot = (key * 0x9E3779B97F4A7C15ULL) >> 20 & (masks_.size() - 1);
    while (keys_[slot] != key && keys_[slot] != ~uint64_t{0}) slot = (slot + 1) & (masks_.size() - 1);
    keys_[slot] = key;
    return masks_[slot];
  }

 private:
  uint64_t second_;
  bool direct_;
  std::vector<uint64_t> masks_, keys_;
};

std::vector<uint64_t> masks_of(const Counts& counts) {
  std::vector<uint64_t> out(counts.values(), 0);
  for (size_t v = 0; v < counts.values(); ++v)
    for (size_t b = 0; b < counts.batches; ++b)
      if (counts.at(v, b) > 0) out[v] |= uint64_t{1} << b;
  return out;
}

void pair(Look& look, size_t first, size_t second) {
  const auto& frame = look.frame;
  const auto &a = frame.columns[first].codes, &b = frame.columns[second].codes;
  const auto seen_a = masks_of(look.counts[first]), seen_b = masks_of(look.counts[second]);
  PairTable table(seen_a.size(), seen_b.size(), frame.rows());
  for (size_t r = 0; r < frame.rows(); ++r)
    if (a[r] >= 0 && b[r] >= 0) table.mask(a[r], b[r]) |= uint64_t{1} << frame.batch[r];

  const uint64_t before = (uint64_t{1} << frame.suspect) - 1;
  std::vector<int64_t> fresh(frame.batches.size(), 0), rows(frame.batches.size(), 0);
  for (size_t r = 0; r < frame.rows(); ++r) {
    const size_t batch = frame.batch[r];
    if (a[r] < 0 || b[r] < 0 || batch > frame.suspect) continue;
    const uint64_t others = before & ~(uint64_t{1} << batch);
    ++rows[batch];
    const bool both_known =
        (seen_a[static_cast<size_t>(a[r])] & others) != 0 && (seen_b[static_cast<size_t>(b[r])] & others) != 0;
    if (both_known && (table.mask(a[r], b[r]) & others) == 0) ++fresh[batch];
  }
  std::vector<double> usual;
  for (size_t batch = 0; batch < frame.history(); ++batch)
    if (rows[batch] > 0) usual.push_back(static_cast<double>(fresh[batch]) / static_cast<double>(rows[batch]));
  if (usual.size() < 2 || limit_of(usual, 1, 0) > kPairUsual || rows[frame.suspect] == 0) return;
  const double now = static_cast<double>(fresh[frame.suspect]) / static_cast<double>(rows[frame.suspect]);
  look.consider(
      {.kind = "unseen_pairs",
       .columns = {frame.columns[first].name, frame.columns[second].name},
       .value = now,
       .limit = limit_of(usual, kPairMargin, kPairFloor)},
      [&] {
        return fmt::format(
            "{} of the rows of {} join known values of {} and {} that never stood together (at most {} "
            "in the batches before)",
            percent_text(now), frame.batches[frame.suspect].node(), frame.columns[first].name,
            frame.columns[second].clock ? "the hour of " + frame.columns[second].name : frame.columns[second].name,
            percent_text(limit_of(usual, 1, 0)));
      });
}

}  // namespace

void look_at_pairs(Look& look) {
  const auto& frame = look.frame;
  if (frame.history() < 2) return;
  std::vector<size_t> columns;
  for (size_t c = 0; c < frame.columns.size(); ++c) {
    const auto& column = frame.columns[c];
    if (column.is_evidence() && column.texts.size() >= 2 && column.texts.size() <= kPairValues) columns.push_back(c);
  }
  std::stable_sort(columns.begin(), columns.end(),
                   [&](size_t a, size_t b) { return frame.columns[a].texts.size() < frame.columns[b].texts.size(); });
  if (columns.size() > kPairColumns) columns.resize(kPairColumns);
  std::sort(columns.begin(), columns.end());
  for (size_t i = 0; i < columns.size(); ++i)
    for (size_t j = i + 1; j < columns.size(); ++j) pair(look, columns[i], columns[j]);
}

}  // namespace millrace::data::cause
