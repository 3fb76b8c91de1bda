#include <algorithm>

#include <fmt/format.h>

#include "traces/rows.h"
#include "traces/traces.h"

namespace millrace::traces {
namespace {

// How many spans the client says there are; fewer here are still on their way.
size_t expected_spans(const TraceInfo& info) {
  const auto found = info.metadata.find(std::string(metadata::size_stats));
  if (found == info.metadata.end()) return 0;
  const auto stats = parse_json(found->second, "trace");
  return stats ? static_cast<size_t>(std::max<int64_t>(0, integer_or(*stats, "num_spans", 0))) : 0;
}

bool is_whole(const Trace& trace) { return !trace.spans.empty() && trace.spans.size() >= expected_spans(trace.info); }

Result<void> check_ids(const std::vector<std::string>& ids) {
  if (ids.size() <= bounds::ids) return {};
  return Error{Code::invalid, fmt::format("a request names at most {} traces", bounds::ids)};
}

bool is_among(const std::optional<std::vector<std::string>>& experiments, const TraceInfo& info) {
  return !experiments || std::find(experiments->begin(), experiments->end(), info.experiment_id) != experiments->end();
}

}  // namespace

Result<TraceInfo> Traces::get_info(const Caller& caller, const std::string& id) const {
  TraceInfo out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, load_info(session, caller.workspace, id));
    return {};
  }));
  return out;
}

Result<Trace> Traces::get(const Caller& caller, const std::string& id, bool partial) const {
  Trace out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out.info, load_info(session, caller.workspace, id));
    MILLRACE_TRY(out.spans, load_spans(session, caller.workspace, id));
    return {};
  }));
  if (!partial && !is_whole(out))
    return Error{Code::not_found,
                 fmt::format("Trace with ID {} is not fully exported yet, please try again later.", id)};
  return out;
}

Result<std::vector<TraceInfo>> Traces::get_infos(const Caller& caller, const std::vector<std::string>& ids,
                                                 const std::optional<std::vector<std::string>>& experiment_ids) const {
  MILLRACE_DO(check_ids(ids));
  std::vector<TraceInfo> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, load_infos(session, caller.workspace, ids));
    return {};
  }));
  std::erase_if(out, [&](const TraceInfo& info) { return !is_among(experiment_ids, info); });
  return out;
}

Result<std::vector<Trace>> Traces::get_all(const Caller& caller, const std::vector<std::string>& ids,
                                           const std::optional<std::vector<std::string>>& experiment_ids) const {
  MILLRACE_DO(check_ids(ids));
  std::vector<Trace> out;
  size_t bytes = 0;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto infos, load_infos(session, caller.workspace, ids));
    for (auto& info : infos) {
      if (!is_among(experiment_ids, info)) continue;
      MILLRACE_TRY(const auto size,
                   session.first("SELECT coalesce(sum(length(content)), 0) FROM llm_spans WHERE workspace = ? AND "
                                 "trace_id = ?",
                                 {caller.workspace, info.id}));
      bytes += static_cast<size_t>(size->integer(0));
      if (bytes > bounds::inflated_bytes && !out.empty())
        return Error{Code::too_large,
                     fmt::format("these traces have more than {} bytes of spans", bounds::inflated_bytes)}
            .hint("ask for fewer at a time");
      Trace trace{.info = std::move(info), .spans = {}};
      MILLRACE_TRY(trace.spans, load_spans(session, caller.workspace, trace.info.id));
      if (is_whole(trace)) out.push_back(std::move(trace));
    }
    return {};
  }));
  return out;
}

}  // namespace millrace::traces
