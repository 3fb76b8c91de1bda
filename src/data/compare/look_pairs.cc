// Pairs of values that stand in one row for the first time although each of them is known, where one column (nearly)
// follows from the other.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <fmt/format.h>

#include "data/compare/look.h"

namespace millrace::data::compare {
namespace {

constexpr size_t kPairColumns = 18;
constexpr size_t kPairValues = 5'000;
constexpr double kUsual = 0.12;  // pairs that are new so often anyway say nothing
constexpr double kMargin = 4, kFloor = 0.02;
constexpr double kDetermines = 0.98;  // of the rows: one column follows from the other
constexpr int32_t kRowsOfAValue = 5;

using Pairs = std::unordered_map<uint64_t, uint32_t>;  // blocks in which a pair stands

uint64_t key_of(int32_t a, int32_t b) { return static_cast<uint64_t>(a) << 32 | static_cast<uint32_t>(b); }

// Nearly every row's value of `first` has one value of `second` only.
bool determines(const Look& look, size_t first, size_t second) {
  const auto &a = look.sample.columns[first].codes, &b = look.sample.columns[second].codes;
  std::vector<int32_t> seen(look.sample.columns[first].texts.size(), -1), rows(seen.size(), 0);
  std::vector<char> several(seen.size(), 0);
  for (size_t r = 0; r < look.sample.reference_rows; ++r) {
    if (a[r] < 0 || b[r] < 0) continue;
    const auto v = static_cast<size_t>(a[r]);
    if (++rows[v] > 1 && seen[v] != b[r]) several[v] = 1;
    seen[v] = b[r];
  }
  int64_t all = 0, single = 0;
  for (size_t v = 0; v < rows.size(); ++v) {
    if (rows[v] < kRowsOfAValue) continue;
    all += rows[v], single += several[v] ? 0 : rows[v];
  }
  return all >= static_cast<int64_t>(look.sample.reference_rows) / 2 &&
         static_cast<double>(single) >= kDetermines * static_cast<double>(all);
}

void pair(Look& look, size_t first, size_t second) {
  if (!determines(look, first, second) && !determines(look, second, first)) return;
  const auto& sample = look.sample;
  const auto &a = sample.columns[first], &b = sample.columns[second];
  const size_t batch = sample.batch;
  const uint32_t all = (1U << batch) - 1;
  const auto blocks_of = [&](const Counts& counts) {
    std::vector<uint32_t> out(counts.values(), 0);
    for (size_t v = 0; v < counts.values(); ++v)
      for (size_t g = 0; g < batch; ++g) out[v] |= counts.at(v, g) > 0 ? 1U << g : 0;
    return out;
  };
  const auto in_a = blocks_of(look.counts[first]), in_b = blocks_of(look.counts[second]);
  const auto key = [&](size_t r) { return key_of(a.codes[r], b.codes[r]); };
  Pairs pairs;
  pairs.reserve(sample.reference_rows / 4);
  for (size_t r = 0; r < sample.reference_rows; ++r)
    if (a.codes[r] >= 0 && b.codes[r] >= 0) pairs[key(r)] |= 1U << sample.group[r];
  std::vector<int64_t> fresh(batch + 1, 0), rows(batch + 1, 0);
  const auto is_fresh = [&](size_t r) {
    if (a.codes[r] < 0 || b.codes[r] < 0) return false;
    const uint32_t others = sample.group[r] == batch ? all : all & ~(1U << sample.group[r]);
    if ((in_a[static_cast<size_t>(a.codes[r])] & others) == 0 || (in_b[static_cast<size_t>(b.codes[r])] & others) == 0)
      return false;
    const auto at = pairs.find(key(r));
    return at == pairs.end() || (at->second & others) == 0;
  };
  for (size_t r = 0; r < sample.rows(); ++r) {
    if (a.codes[r] < 0 || b.codes[r] < 0) continue;
    ++rows[sample.group[r]];
    fresh[sample.group[r]] += is_fresh(r) ? 1 : 0;
  }
  if (rows[batch] == 0) return;
  const auto share = [&](size_t g) {
    return rows[g] > 0 ? static_cast<double>(fresh[g]) / static_cast<double>(rows[g]) : std::nan("");
  };
  std::vector<double> usual;
  for (size_t g = 0; g < batch; ++g) usual.push_back(share(g));
  const double largest = limit_of(usual, 1, 0);
  if (largest > kUsual) return;
  look.consider({.kind = "new_pairs",
                 .columns = {a.name, b.name},
                 .value = share(batch),
                 .limit = limit_of(usual, kMargin, kFloor) + kSigmas * share_error(largest, rows[batch]),
                 .effect = share(batch) - largest},
                [&](Signal& signal) {
                  look.find_slice(signal, is_fresh);
                  signal.text = fmt::format(
                      "{} of the rows join known values of {} and {} that never stand together in the reference (from "
                      "block to block of it at most {})",
                      percent_text(share(batch)), a.label, b.label, percent_text(largest));
                });
}

}  // namespace

void look_at_new_pairs(Look& look) {
  std::vector<size_t> columns;
  for (size_t c = 0; c < look.sample.columns.size(); ++c) {
    const auto& column = look.sample.columns[c];
    if (!column.dated && column.texts.size() >= 2 && column.texts.size() <= kPairValues &&
        (column.kind != Kind::time || column.derived))
      columns.push_back(c);
  }
  std::stable_sort(columns.begin(), columns.end(), [&](size_t a, size_t b) {
    return look.sample.columns[a].texts.size() < look.sample.columns[b].texts.size();
  });
  if (columns.size() > kPairColumns) columns.resize(kPairColumns);
  for (size_t i = 0; i < columns.size(); ++i)
    for (size_t j = i + 1; j < columns.size(); ++j)
      if (look.sample.columns[columns[i]].name != look.sample.columns[columns[j]].name)
        pair(look, columns[i], columns[j]);
}

}  // namespace millrace::data::compare
