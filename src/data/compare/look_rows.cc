// The rows themselves: repeated ones, and those of the reference once more.
#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "data/compare/look.h"
#include "data/samples/value_codes.h"

namespace millrace::data::compare {
namespace {

constexpr double kTwiceFloor = 0.004, kTwiceMargin = 3;
constexpr double kStaleFloor = 0.02, kStaleMargin = 3;
constexpr double kRepeats = 0.3;  // of the rows have a twin in another block: rows repeat anyway
constexpr size_t kStaleColumns = 3;
constexpr double kSameOrder = 0.95;
constexpr size_t kLeastRows = 20;

std::vector<uint64_t> hashes(const Sample& sample, const std::function<bool(const Column&)>& wanted) {
  std::vector<uint64_t> out(sample.rows(), 0);
  for (const auto& column : sample.columns)
    if (!column.derived && wanted(column))
      for (size_t r = 0; r < sample.rows(); ++r) out[r] = mixed(out[r], static_cast<uint64_t>(column.codes[r] + 1));
  return out;
}

void twice(Look& look, const std::vector<uint64_t>& hash) {
  const auto& sample = look.sample;
  std::vector<int64_t> again(sample.batch + 1, 0);
  std::vector<char> is_again(sample.rows(), 0);
  std::unordered_set<uint64_t> seen;
  for (size_t r = 0; r < sample.rows(); ++r)
    if (!seen.insert(mixed(hash[r], sample.group[r])).second) ++again[sample.group[r]], is_again[r] = 1;
  const auto share = [&](size_t g) {
    return look.group_rows[g] > 0 ? static_cast<double>(again[g]) / static_cast<double>(look.group_rows[g])
                                  : std::nan("");
  };
  std::vector<double> usual;
  for (size_t b = 0; b < sample.batch; ++b) usual.push_back(share(b));
  // More rows have more twins by chance: blocks are scaled up to the size of the batch.
  const double larger = static_cast<double>(look.batch_rows()) * static_cast<double>(sample.batch) /
                        static_cast<double>(std::max<size_t>(1, sample.reference_rows));
  for (auto& one : usual) one *= std::max(1.0, larger);
  const double largest = limit_of(usual, 1, 0);
  if (largest > kRepeats) return;
  look.consider(
      {.kind = "repeated_rows",
       .value = share(sample.batch),
       .limit = limit_of(usual, kTwiceMargin, kTwiceFloor) + kSigmas * share_error(largest, look.batch_rows()),
       .effect = share(sample.batch) - largest},
      [&](Signal& signal) {
        look.find_slice(signal, [&](size_t r) { return is_again[r] != 0; });
        signal.text = fmt::format("{} of the rows are there more than once, {} in a block of the reference at most",
                                  percent_text(share(sample.batch)), percent_text(largest));
      });
}

// The file itself: the same rows in the same order.
void same_file(Look& look, const std::vector<uint64_t>& hash) {
  const auto& sample = look.sample;
  if (sample.batch_total != sample.reference_total || sample.reference_step != 1 || sample.batch_step != 1 ||
      sample.reference_rows < kLeastRows)
    return;
  size_t same = 0;
  for (size_t r = 0; r < sample.reference_rows; ++r) same += hash[r] == hash[sample.reference_rows + r] ? 1 : 0;
  const double share = static_cast<double>(same) / static_cast<double>(sample.reference_rows);
  look.consider({.kind = "stale", .value = share, .limit = kSameOrder, .effect = share}, [&](Signal& signal) {
    signal.text = fmt::format("{} of the rows are those of the reference, in the same order: the file is a copy of it",
                              percent_text(share));
  });
}

struct Known {
  std::vector<char> known;  // of each row of the sample
  std::vector<double> usual;
  double now = 0;
};

// Rows whose values (of the columns hashed) are those of a row of another block.
Known known_rows(const Look& look, const std::vector<uint64_t>& hash) {
  const auto& sample = look.sample;
  std::unordered_map<uint64_t, uint32_t> blocks;
  for (size_t r = 0; r < sample.reference_rows; ++r) blocks[hash[r]] |= 1U << sample.group[r];
  Known out;
  out.known.assign(sample.rows(), 0);
  std::vector<int64_t> rows(sample.batch + 1, 0);
  for (size_t r = 0; r < sample.rows(); ++r) {
    const auto at = blocks.find(hash[r]);
    const uint32_t others = sample.group[r] == sample.batch ? ~0U : ~(1U << sample.group[r]);
    if (at != blocks.end() && (at->second & others) != 0) out.known[r] = 1, ++rows[sample.group[r]];
  }
  const auto share = [&](size_t g) {
    return look.group_rows[g] > 0 ? static_cast<double>(rows[g]) / static_cast<double>(look.group_rows[g])
                                  : std::nan("");
  };
  for (size_t b = 0; b < sample.batch; ++b) out.usual.push_back(share(b));
  out.now = share(sample.batch);
  return out;
}

// The same values under another time.
void other_time(Look& look) {
  const auto& sample = look.sample;
  const auto counts = [](const Column& column) { return !column.dated && column.texts.size() > 1; };
  if (!std::any_of(sample.columns.begin(), sample.columns.end(), [](const Column& c) { return c.dated && !c.derived; }))
    return;
  if (static_cast<size_t>(std::count_if(sample.columns.begin(), sample.columns.end(),
                                        [&](const Column& c) { return counts(c) && !c.derived; })) < kStaleColumns)
    return;
  const auto values = known_rows(look, hashes(sample, counts));
  if (limit_of(values.usual, 1, 0) > kRepeats) return;
  // Rows that are the reference's with their time as well are not old values under a new one.
  const auto whole = known_rows(look, hashes(sample, [](const Column&) { return true; }));
  int64_t moved = 0;
  std::vector<char> is_moved(sample.rows(), 0);
  for (size_t r = sample.reference_rows; r < sample.rows(); ++r)
    if (values.known[r] != 0 && whole.known[r] == 0) ++moved, is_moved[r] = 1;
  const double now = static_cast<double>(moved) / static_cast<double>(std::max<int64_t>(1, look.batch_rows()));
  const double largest = limit_of(values.usual, 1, 0);
  look.consider(
      {.kind = "stale",
       .value = now,
       .limit = limit_of(values.usual, kStaleMargin, kStaleFloor) + kSigmas * share_error(largest, look.batch_rows()),
       .effect = now - largest},
      [&](Signal& signal) {
        look.find_slice(signal, [&](size_t r) { return is_moved[r] != 0; });
        signal.text = fmt::format(
            "{} of the rows hold the values of rows of the reference under another time (from block to block of it at "
            "most {})",
            percent_text(now), percent_text(largest));
      });
}

// Old rows among new ones: rows of the reference with their time, in a batch whose other rows are of another time.
void old_rows(Look& look) {
  const auto& sample = look.sample;
  const Column* time = nullptr;
  for (const auto& column : sample.columns)
    if (column.dated && !column.derived && (time == nullptr || column.texts.size() > time->texts.size()))
      time = &column;
  if (time == nullptr) return;
  const auto whole = known_rows(look, hashes(sample, [](const Column&) { return true; }));
  if (limit_of(whole.usual, 1, 0) > kRepeats) return;
  double first = INFINITY, last = -INFINITY;
  for (size_t r = 0; r < sample.reference_rows; ++r)
    if (std::isfinite(time->numbers[r]))
      first = std::min(first, time->numbers[r]), last = std::max(last, time->numbers[r]);
  int64_t fresh = 0, fresh_inside = 0, old = 0;
  for (size_t r = sample.reference_rows; r < sample.rows(); ++r) {
    if (whole.known[r] != 0) {
      ++old;
      continue;
    }
    ++fresh;
    fresh_inside += time->numbers[r] >= first && time->numbers[r] <= last ? 1 : 0;
  }
  if (fresh < static_cast<int64_t>(kLeastRows) || fresh_inside * 2 > fresh) return;  // a sample of the same time
  const double now = static_cast<double>(old) / static_cast<double>(old + fresh), largest = limit_of(whole.usual, 1, 0);
  look.consider(
      {.kind = "stale",
       .value = now,
       .limit = limit_of(whole.usual, kStaleMargin, kStaleFloor) + kSigmas * share_error(largest, look.batch_rows()),
       .effect = now - largest},
      [&](Signal& signal) {
        look.find_slice(signal, [&](size_t r) { return whole.known[r] != 0; });
        signal.text =
            fmt::format("{} of the rows are rows of the reference; the others are of another time", percent_text(now));
      });
}

}  // namespace

void look_at_rows(Look& look) {
  if (look.batch_rows() == 0 || look.sample.columns.empty()) return;
  const auto hash = hashes(look.sample, [](const Column&) { return true; });
  twice(look, hash);
  same_file(look, hash);
  other_time(look);
  old_rows(look);
}

}  // namespace millrace::data::compare
