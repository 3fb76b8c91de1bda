#include <fmt/format.h>

#include "core/ids.h"
#include "traces/rows.h"
#include "traces/traces.h"
#include "track/rows.h"

namespace millrace::traces {
namespace {

constexpr int64_t kLastMs = 253'402'300'799'999;  // the end of the year 9999

Result<void> check_info(const TraceInfo& info) {
  MILLRACE_DO(check_trace_id(info.id));
  if (info.request_time < 0 || info.request_time > kLastMs)
    return Error{Code::invalid, fmt::format("Invalid value {} for parameter 'request_time' supplied: it is not between "
                                            "the years 1970 and 9999",
                                            info.request_time)};
  if (info.duration && (*info.duration < 0 || *info.duration > kLastMs))
    return Error{Code::invalid,
                 fmt::format("Invalid value {} for parameter 'execution_duration' supplied: it must not be negative",
                             *info.duration)};
  if (info.tags.size() > bounds::pairs || info.metadata.size() > bounds::pairs)
    return Error{Code::invalid,
                 fmt::format("a trace has at most {} tags and {} metadata entries", bounds::pairs, bounds::pairs)};
  for (const auto& [key, value] : info.tags) MILLRACE_DO(check_pair("Trace tag", key, value));
  for (const auto& [key, value] : info.metadata) MILLRACE_DO(check_pair("Trace metadata", key, value));
  if (info.client_request_id) MILLRACE_DO(check_pair("Trace", "client_request_id", *info.client_request_id));
  for (const auto& preview : {info.request_preview, info.response_preview})
    if (preview && preview->size() > bounds::assessment_bytes)
      return Error{Code::too_large, fmt::format("a preview has more than {} bytes", bounds::assessment_bytes)};
  if (info.assessments.size() > bounds::assessments)
    return Error{Code::invalid, fmt::format("a trace has at most {} assessments", bounds::assessments)};
  for (const auto& each : info.assessments) MILLRACE_DO(check_assessment(each));
  return {};
}

store::Value or_null(const std::optional<std::string>& text) { return text ? store::Value(*text) : nullptr; }

// A preview that the client leaves out stays what the spans said.
Result<void> store_info(store::Session& session, const std::string& workspace, const TraceInfo& info, int64_t now) {
  const store::Value duration = info.duration ? store::Value(*info.duration) : store::Value(nullptr);
  MILLRACE_DO(session.execute(
      "INSERT INTO llm_traces (workspace, id, experiment_id, request_time, duration, state, client_request_id, "
      "request_preview, response_preview, finalized, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?) "
      "ON CONFLICT (workspace, id) DO UPDATE SET experiment_id = excluded.experiment_id, request_time = "
      "excluded.request_time, duration = excluded.duration, state = excluded.state, client_request_id = "
      "excluded.client_request_id, request_preview = coalesce(excluded.request_preview, llm_traces.request_preview), "
      "response_preview = coalesce(excluded.response_preview, llm_traces.response_preview), finalized = 1",
      {workspace, info.id, info.experiment_id, info.request_time, duration, info.state, or_null(info.client_request_id),
       or_null(info.request_preview), or_null(info.response_preview), now}));
  return {};
}

bool is_ours(std::string_view key) {
  return key == tag::spans_location || key == tag::archive_location || key == tag::archival_failure ||
         key == tag::artifact_location;
}

}  // namespace

Result<TraceInfo> Traces::start(const Caller& caller, const TraceInfo& info) {
  MILLRACE_DO(check_info(info));
  MILLRACE_TRY(const auto experiment, tracking_.get_experiment(caller, info.experiment_id));
  TraceInfo out;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    const auto& workspace = caller.workspace;
    MILLRACE_DO(track::check_active(experiment));
    MILLRACE_DO(store_info(session, workspace, info, now_ms()));
    for (const auto& [key, value] : info.tags)
      if (!is_ours(key)) MILLRACE_DO(store_pair(session, PairTable::tags, workspace, info.id, key, value));
    MILLRACE_DO(store_pair(session, PairTable::tags, workspace, info.id, tag::artifact_location,
                           fmt::format("{}/traces/{}/artifacts", experiment.artifact_location, info.id)));
    for (const auto& [key, value] : info.metadata)
      MILLRACE_DO(store_pair(session, PairTable::metadata, workspace, info.id, key, value));
    MILLRACE_DO(store_pair(session, PairTable::metadata, workspace, info.id, metadata::finalized, "true"));
    for (auto each : info.assessments) {
      each.trace_id = info.id;
      if (each.id.empty()) each.id = "a-" + make_hex(context_.random, 16);
      if (each.create_time == 0) each.create_time = now_ms();
      if (each.update_time == 0) each.update_time = each.create_time;
      MILLRACE_DO(store_assessment(session, workspace, each));
    }
    MILLRACE_TRY(out, load_info(session, workspace, info.id));
    return change_of("started", {{"experiment_id", info.experiment_id},
                                 {"trace_id", info.id},
                                 {"state", info.state},
                                 {"tags", info.tags},
                                 {"assessments", info.assessments.size()}});
  }));
  return out;
}

Result<TraceInfo> Traces::begin(const Caller& caller, TraceInfo info) {
  info.id = "tr-" + make_hex(context_.random, 16);
  return start(caller, info);
}

}  // namespace millrace::traces
