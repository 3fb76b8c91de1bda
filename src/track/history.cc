#include <algorithm>

#include <fmt/format.h>

#include "core/json.h"
#include "track/names.h"
#include "track/query.h"
#include "track/rows.h"
#include "track/tracking.h"

namespace millrace::track {
namespace {

constexpr size_t kSampledRuns = 100;
constexpr int64_t kSampledPoints = 2'500;

Result<std::vector<Metric>> sample_run(store::Session& session, const std::string& workspace, const std::string& run,
                                       const Sample& sample) {
  store::Values range{workspace, run, sample.key};
  std::string where = "workspace = ? AND run_id = ? AND key = ?";
  if (sample.start_step) {
    where += " AND step >= ? AND step <= ?";
    range.emplace_back(*sample.start_step);
    range.emplace_back(*sample.end_step);
  }
  // Of n points every ceil(n / wanted)-th, and the last of the range; counted in the engine, so that only these are
  // read.
  MILLRACE_TRY(const auto counted,
               session.first(fmt::format("SELECT count(*) FROM track_metrics WHERE {}", where), range));
  const int64_t total = counted->integer(0);
  const int64_t stride = std::max<int64_t>(1, (total + sample.points - 1) / sample.points);
  auto values = range;
  values.emplace_back(stride);
  values.emplace_back(total);
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT {0} FROM (SELECT {0}, row_number() OVER (ORDER BY step, timestamp, "
                                         "value) AS place FROM track_metrics WHERE {1}) s "
                                         "WHERE (place - 1) % ? = 0 OR place = ? ORDER BY step, timestamp, value",
                                         kMetricColumns, where),
                             values));
  std::vector<Metric> out;
  for (const auto& row : rows) out.push_back(to_metric(row, 0));
  return out;
}

}  // namespace

Result<Page<Metric>> Tracking::metric_history(const Caller& caller, const std::string& run, const HistoryRange& range) {
  MILLRACE_DO(check_run_id(run));
  MILLRACE_DO(check_page(range.limit, bounds::page_history));
  const auto question = fmt::format("history\n{}\n{}", run, range.key);
  store::Values values{caller.workspace, run, range.key};
  std::string sql =
      fmt::format("SELECT {} FROM track_metrics WHERE workspace = ? AND run_id = ? AND key = ?", kMetricColumns);
  if (!range.page_token.empty()) {
    MILLRACE_TRY(const auto last, read_token(range.page_token, question, 4));
    for (const size_t i : {0U, 1U, 3U})
      if (!last[i].is_number_integer()) return Error{Code::invalid, "Invalid page token"};
    if (!last[2].is_number()) return Error{Code::invalid, "Invalid page token"};
    sql += " AND (timestamp, step, value, is_nan) > (?, ?, ?, ?)";
    values.insert(values.end(),
                  {last[0].get<int64_t>(), last[1].get<int64_t>(), last[2].get<double>(), last[3].get<int64_t>()});
  }
  sql += " ORDER BY timestamp, step, value, is_nan LIMIT ?";
  values.emplace_back(range.limit + 1);
  Page<Metric> page;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto info, load_run_info(session, caller.workspace, run));
    (void)info;
    MILLRACE_TRY(const auto rows, session.query(sql, values));
    const auto count = std::min(rows.size(), static_cast<size_t>(range.limit));
    for (size_t i = 0; i < count; ++i) page.items.push_back(to_metric(rows[i], 0));
    if (rows.size() > count) {
      const auto& last = rows[count - 1];
      page.next = make_token({last.integer(3), last.integer(4), last.real(1), last.integer(2)}, question);
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
      MILLRACE_TRY(auto points, sample_run(session, caller.workspace, run, sample));
      std::move(points.begin(), points.end(), std::back_inserter(out));
    }
    return {};
  }));
  return out;
}

}  // namespace millrace::track
