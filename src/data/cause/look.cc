#include "data/cause/look.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "stats/robust.h"

namespace millrace::data::cause {
namespace {

constexpr int64_t kDay = 86'400'000'000;
constexpr double kThinDay = 0.25;  // of the usual rows of a day
constexpr size_t kDrawnDays = 14;  // on each side of the boundary

}  // namespace

size_t Days::in_batch(size_t batch_index) const {
  return static_cast<size_t>(std::count(batch.begin(), batch.end(), static_cast<uint8_t>(batch_index)));
}

Days days_of(const Frame& frame) {
  std::map<std::pair<uint8_t, int32_t>, int64_t> rows;
  for (size_t r = 0; r < frame.rows(); ++r) ++rows[{frame.batch[r], frame.day[r]}];
  std::vector<double> sizes;
  for (const auto& [cell, count] : rows) sizes.push_back(static_cast<double>(count));
  const double usual = sizes.empty() ? 0 : stats::median(sizes);
  Days out;
  std::map<std::pair<uint8_t, int32_t>, int32_t> index;
  for (const auto& [cell, count] : rows) {
    if (static_cast<double>(count) < kThinDay * usual) continue;
    index[cell] = static_cast<int32_t>(out.day.size());
    out.batch.push_back(cell.first);
    out.day.push_back(cell.second);
    out.rows.push_back(count);
  }
  out.of_row.resize(frame.rows());
  for (size_t r = 0; r < frame.rows(); ++r) {
    const auto at = index.find({frame.batch[r], frame.day[r]});
    out.of_row[r] = at == index.end() ? -1 : at->second;
  }
  const auto first_of = [&](size_t batch) {
    return static_cast<size_t>(std::lower_bound(out.batch.begin(), out.batch.end(), static_cast<uint8_t>(batch)) -
                               out.batch.begin());
  };
  out.boundary = first_of(frame.suspect);
  out.end = first_of(frame.suspect + 1);
  return out;
}

Counts counts_of(const Frame& frame, const FrameColumn& column) {
  Counts out{.batches = frame.batches.size()};
  out.of.assign(column.texts.size() * out.batches, 0);
  out.present.assign(out.batches, 0);
  out.rows.assign(out.batches, 0);
  for (size_t r = 0; r < frame.rows(); ++r) {
    ++out.rows[frame.batch[r]];
    if (column.codes[r] < 0) continue;
    ++out.present[frame.batch[r]];
    ++out.of[static_cast<size_t>(column.codes[r]) * out.batches + frame.batch[r]];
  }
  return out;
}

Look::Look(const Frame& of) : frame(of), days(days_of(of)) {
  for (const auto& column : frame.columns) counts.push_back(counts_of(frame, column));
}

void Look::consider(Evidence found, const std::function<std::string()>& text) {
  if (std::isnan(found.value) || !(found.limit > 0)) return;
  ++tests;
  if (found.columns.size() > 1) relations.push_back({found.kind, found.columns, found.ratio()});
  if (found.value <= found.limit) return;
  found.text = text();
  evidence.push_back(std::move(found));
}

std::vector<Point> Look::series(const std::function<double(size_t)>& value) const {
  std::vector<double> sums(days.size(), 0), weights(days.size(), 0);
  for (size_t r = 0; r < frame.rows(); ++r) {
    if (days.of_row[r] < 0) continue;
    const double one = value(r);
    if (std::isnan(one)) continue;
    sums[static_cast<size_t>(days.of_row[r])] += one;
    weights[static_cast<size_t>(days.of_row[r])] += 1;
  }
  for (size_t d = 0; d < sums.size(); ++d)
    sums[d] = weights[d] > 0 ? sums[d] / weights[d] : std::numeric_limits<double>::quiet_NaN();
  return series_of(sums);
}

std::vector<Point> Look::series_of(const std::vector<double>& by_day) const {
  std::vector<Point> out;
  const size_t from = days.boundary > kDrawnDays ? days.boundary - kDrawnDays : 0;
  for (size_t d = from; d < std::min(days.size(), days.boundary + kDrawnDays); ++d)
    if (!std::isnan(by_day[d])) out.push_back({day_text(days.day[d]), by_day[d]});
  return out;
}

double limit_of(const std::vector<double>& history, double margin, double floor) {
  double largest = 0;
  for (const double value : history)
    if (!std::isnan(value)) largest = std::max(largest, value);
  return std::max(floor, margin * largest);
}

std::string day_text(int32_t day) { return to_iso(day * kDay).substr(0, 10); }

Json Evidence::to_json() const {
  Json out{{"kind", kind}, {"text", text}, {"value", value}, {"limit", limit}, {"columns", columns}};
  if (series.empty()) return out;
  Json points = Json::array();
  for (const auto& point : series) points.push_back({{"day", point.day}, {"value", point.value}});
  out["series"] = std::move(points);
  return out;
}

}  // namespace millrace::data::cause
