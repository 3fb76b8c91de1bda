// The rows themselves: how many a day, repeated ones, those of an earlier batch once more, days that are missing.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <fmt/format.h>

#include "data/cause/look.h"
#include "data/samples/value_codes.h"
#include "stats/robust.h"

namespace millrace::data::cause {
namespace {

constexpr size_t kSide = 7;
constexpr int64_t kDay = 86'400'000'000;
constexpr double kRowsMargin = 1.5;
constexpr double kRowsFloor = 0.1;  // of the usual rows of a day
constexpr double kTwiceMargin = 3;
constexpr double kTwiceFloor = 0.01;
constexpr double kStaleMargin = 3;
constexpr double kStaleFloor = 0.1;
constexpr size_t kStaleColumns = 3;
constexpr double kMissingFloor = 0.1;
constexpr double kOutsideFloor = 0.02;

// A hash of each row over the columns that `wanted` takes.
std::vector<uint64_t> hashes(const Frame& frame, const std::function<bool(const FrameColumn&)>& wanted) {
  std::vector<uint64_t> out(frame.rows(), 0);
  for (const auto& column : frame.columns)
    if (wanted(column))
      for (size_t r = 0; r < frame.rows(); ++r) out[r] = mixed(out[r], static_cast<uint64_t>(column.codes[r] + 1));
  return out;
}

double share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : std::nan("");
}

void rows_a_day(Look& look) {
  std::vector<double> rows(look.days.rows.begin(), look.days.rows.end());
  const size_t after = std::min(kSide, look.days.end - look.days.boundary);
  const auto step = stats::step_at(rows, look.days.boundary, kSide, after);
  if (step.places < 20) return;
  const double usual = stats::median(std::span(rows).first(look.days.boundary));
  look.consider({.kind = "rows_a_day",
                 .value = std::abs(step.value - step.usual),
                 .limit = std::max(kRowsMargin * step.largest, kRowsFloor * usual),
                 .series = look.series_of(rows)},
                [&] {
                  return fmt::format("rows a day change by {} where {} begins; {} a day are usual",
                                     number_text(step.value), look.frame.batches[look.frame.suspect].node(),
                                     number_text(usual));
                });
}

void twice(Look& look) {
  const auto& frame = look.frame;
  const auto hash = hashes(frame, [](const FrameColumn&) { return true; });
  std::vector<int64_t> rows(frame.batches.size(), 0), again(rows);
  std::unordered_map<uint64_t, int> seen;
  for (size_t r = 0; r < frame.rows(); ++r) {
    ++rows[frame.batch[r]];
    if (++seen[mixed(mixed(hash[r], frame.batch[r]), static_cast<uint64_t>(frame.day[r]))] > 1) ++again[frame.batch[r]];
  }
  std::vector<double> usual;
  for (size_t b = 0; b < frame.history(); ++b) usual.push_back(share(again[b], rows[b]));
  const double now = share(again[frame.suspect], rows[frame.suspect]);
  look.consider({.kind = "repeated_rows", .value = now, .limit = limit_of(usual, kTwiceMargin, kTwiceFloor)}, [&] {
    return fmt::format("{} of the rows of {} are there twice; {} in the batches before", percent_text(now),
                       frame.batches[frame.suspect].node(), percent_text(limit_of(usual, 1, 0)));
  });
}

// The same values under other dates: all columns but those that tell the time.
void stale(Look& look) {
  const auto& frame = look.frame;
  if (frame.step > 1) return;  // thinned rows of two batches do not meet
  const auto counts = [](const FrameColumn& column) {
    return column.is_evidence() && !column.clock && column.texts.size() > 1;
  };
  if (static_cast<size_t>(std::count_if(frame.columns.begin(), frame.columns.end(), counts)) < kStaleColumns) return;
  const auto hash = hashes(frame, counts);
  std::unordered_map<uint64_t, uint64_t> batches;
  for (size_t r = 0; r < frame.rows(); ++r) batches[hash[r]] |= uint64_t{1} << frame.batch[r];
  std::vector<int64_t> rows(frame.batches.size(), 0), known(rows), from(rows);
  const uint64_t before = (uint64_t{1} << frame.suspect) - 1;
  for (size_t r = 0; r < frame.rows(); ++r) {
    const size_t batch = frame.batch[r];
    if (batch > frame.suspect) continue;
    ++rows[batch];
    const uint64_t others = batches[hash[r]] & before & ~(uint64_t{1} << batch);
    if (others == 0) continue;
    ++known[batch];
    for (size_t b = 0; batch == frame.suspect && b < frame.suspect; ++b) from[b] += others >> b & 1;
  }
  std::vector<double> usual;
  for (size_t b = 0; b < frame.history(); ++b) usual.push_back(share(known[b], rows[b]));
  if (limit_of(usual, 1, 0) > 0.3) return;  // rows repeat anyway
  const double now = share(known[frame.suspect], rows[frame.suspect]);
  const auto source = static_cast<size_t>(std::max_element(from.begin(), from.end()) - from.begin());
  look.consider({.kind = "stale", .value = now, .limit = limit_of(usual, kStaleMargin, kStaleFloor)}, [&] {
    return fmt::format(
        "{} of the rows of {} hold the values of rows of an earlier batch under other dates ({} of them of {}); at "
        "most "
        "{} in the batches before",
        percent_text(now), frame.batches[frame.suspect].node(), percent_text(share(from[source], known[frame.suspect])),
        frame.batches[source].node(), percent_text(limit_of(usual, 1, 0)));
  });
}

struct Calendar {
  double missing = 0, outside = 0;  // shares: of the period's days, of the rows
};
Calendar calendar(const Look& look, size_t batch) {
  const auto& version = look.frame.batches[batch];
  const auto first = version.period_from / kDay, last = (version.period_to - 1) / kDay;
  int64_t rows = 0, outside = 0, there = 0;
  for (size_t r = 0; r < look.frame.rows(); ++r) {
    if (look.frame.batch[r] != batch) continue;
    ++rows;
    outside += look.frame.day[r] < first - 1 || look.frame.day[r] > last + 1 ? 1 : 0;
  }
  for (size_t d = 0; d < look.days.size(); ++d)
    there += look.days.batch[d] == batch && look.days.day[d] >= first && look.days.day[d] <= last ? 1 : 0;
  return {1 - share(there, last - first + 1), rows > 0 ? share(outside, rows) : 0};
}

void dates(Look& look, const std::string& event_time) {
  const auto& frame = look.frame;
  if (frame.batches[frame.suspect].period_to == 0) return;
  std::vector<double> missing, outside;
  for (size_t b = 0; b < frame.history(); ++b) {
    const auto one = calendar(look, b);
    missing.push_back(one.missing), outside.push_back(one.outside);
  }
  const auto now = calendar(look, frame.suspect);
  const auto node = frame.batches[frame.suspect].node();
  look.consider({.kind = "missing_days", .value = now.missing, .limit = limit_of(missing, 2, kMissingFloor)}, [&] {
    return fmt::format("{} of the days of {} have no or hardly any rows; {} in the batches before",
                       percent_text(now.missing), node, percent_text(limit_of(missing, 1, 0)));
  });
  look.consider({.kind = "outside_period",
                 .columns = {event_time},
                 .value = now.outside,
                 .limit = limit_of(outside, 3, kOutsideFloor)},
                [&] {
                  return fmt::format(
                      "{} of the rows of {} lie more than a day outside its period by {}; {} in the batches before",
                      percent_text(now.outside), node, event_time, percent_text(limit_of(outside, 1, 0)));
                });
}

}  // namespace

void look_at_rows(Look& look) {
  const auto& frame = look.frame;
  const auto clock =
      std::find_if(frame.columns.begin(), frame.columns.end(), [](const auto& column) { return column.clock; });
  const bool timed = clock != frame.columns.end();
  if (timed && look.days.end > look.days.boundary) rows_a_day(look);
  twice(look);
  if (timed) stale(look);
  if (timed) dates(look, clock->name);
}

}  // namespace millrace::data::cause
