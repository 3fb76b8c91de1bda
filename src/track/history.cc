#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "core/json.h"
#include "track/names.h"
#include "track/points/curve.h"
#include "track/rows.h"
#include "track/search/query.h"
#include "track/tracking.h"

namespace millrace::track {
namespace {

constexpr size_t kSampledRuns = 100;
constexpr int64_t kSampledPoints = 2'500;

Metric to_metric(const Points& points, const Point& point, const std::string& run, const std::string& key) {
  const auto& origin = points.origin_of(point);
  return {.key = key,
          .value = point.is_nan ? std::numeric_limits<double>::quiet_NaN() : point.value,
          .timestamp = point.timestamp,
          .step = point.step,
          .model_id = origin.model_id,
          .dataset_name = origin.dataset_name,
          .dataset_digest = origin.dataset_digest,
          .run_id = run};
}

// Where the page before ended.
Result<std::optional<Point>> read_place(const std::string& token, const std::string& question) {
  if (token.empty()) return std::optional<Point>{};
  MILLRACE_TRY(const auto last, read_token(token, question, 4));
  for (const size_t i : {0U, 1U, 3U})
    if (!last[i].is_number_integer()) return Error{Code::invalid, "Invalid page token"};
  if (!last[2].is_number()) return Error{Code::invalid, "Invalid page token"};
  return std::optional<Point>({.timestamp = last[0].get<int64_t>(),
                               .step = last[1].get<int64_t>(),
                               .value = last[2].get<double>(),
                               .is_nan = last[3].get<int64_t>() != 0});
}

}  // namespace

Result<Page<Metric>> Tracking::metric_history(const Caller& caller, const std::string& run, const HistoryRange& range) {
  MILLRACE_DO(check_run_id(run));
  MILLRACE_DO(check_page(range.limit, bounds::page_history));
  const auto question = fmt::format("history\n{}\n{}", run, range.key);
  MILLRACE_TRY(const auto after, read_place(range.page_token, question));
  const auto limit = static_cast<size_t>(range.limit);
  Page<Metric> page;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto info, load_run_info(session, caller.workspace, run));
    (void)info;
    MILLRACE_TRY(const auto points, history_after(session, {caller.workspace, run, range.key}, after, limit + 1));
    const auto count = std::min(points.size(), limit);
    page.items.reserve(count);
    for (size_t i = 0; i < count; ++i) page.items.push_back(to_metric(points, points.points[i], run, range.key));
    if (points.size() > count) {
      const auto& last = points.points[count - 1];
      page.next = make_token({last.timestamp, last.step, last.value, int64_t{last.is_nan}}, question);
    }
    return {};
  }));
  return page;
}

Result<std::vector<Metric>> Tracking::sampled_history(const Caller& caller, const Sample& sample) {
  if (sample.run_ids.size() > kSampledRuns)
    return Error{
        Code::invalid,
        fmt::format("GetMetricHistoryBulkInterval request must specify at most {} run_ids. Received {} run_ids.",
                    kSampledRuns, sample.run_ids.size())};
  if (sample.points < 1 || sample.points > kSampledPoints)
    return Error{Code::invalid, fmt::format("max_results must be between 1 and {}.", kSampledPoints)};
  if (sample.start_step.has_value() != sample.end_step.has_value())
    return Error{Code::invalid, "If either start step or end step are specified, both must be specified."};
  if (sample.start_step && *sample.start_step > *sample.end_step)
    return Error{Code::invalid,
                 fmt::format("end_step must be greater than start_step. Found start_step={} and end_step={}.",
                             *sample.start_step, *sample.end_step)};
  std::vector<Metric> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    for (const auto& run : sample.run_ids) {
      MILLRACE_DO(check_run_id(run));
      const SeriesName name{caller.workspace, run, sample.key};
      const CurveRange range{sample.start_step, sample.end_step, static_cast<size_t>(sample.points)};
      MILLRACE_TRY(const auto points,
                   sample.extremes ? sample_extremes(session, name, range) : sample_evenly(session, name, range));
      for (const auto& point : points.points) out.push_back(to_metric(points, point, run, sample.key));
    }
    return {};
  }));
  return out;
}

}  // namespace millrace::track
