// Traces as clients before MLflow 3 send and read them: the same traces in an older form.
#include "api/mlflow/table.h"
#include "api/mlflow/trace_json.h"
#include "core/ids.h"

namespace millrace::api::mlflow {
namespace {

const std::vector<std::string_view> kStatuses{"TRACE_STATUS_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS"};

Json wrapped(const traces::TraceInfo& info) { return Json{{"trace_info", to_old_json(info)}}; }

std::map<std::string, std::string> map_of(Body& in, std::string_view name) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : in.pairs(name)) out[key] = value;
  return out;
}

Reply start(Request& request, const Services& s) {
  auto in = Body::of(request);
  traces::TraceInfo wanted;
  wanted.experiment_id = in.text("experiment_id");
  wanted.request_time = in.integer("timestamp_ms");
  wanted.metadata = map_of(in, "request_metadata");
  wanted.tags = map_of(in, "tags");
  wanted.state = "IN_PROGRESS";
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->begin(request.caller, wanted), wrapped);
}

Reply end(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto ended = in.integer("timestamp_ms");
  const auto status = in.enumerated("status", kStatuses, 0);
  const auto metadata = map_of(in, "request_metadata"), tags = map_of(in, "tags");
  if (in.failed()) return error_reply(in.error());
  auto info = s.traces->get_info(request.caller, request.arg("trace_id"));
  if (!info) return error_reply(info.error());
  info->state = status == "TRACE_STATUS_UNSPECIFIED" || status.empty() ? "STATE_UNSPECIFIED" : status;
  info->duration = std::max<int64_t>(0, ended - std::min(ended, info->request_time));
  for (const auto& [key, value] : metadata) info->metadata[key] = value;
  for (const auto& [key, value] : tags) info->tags[key] = value;
  return reply_of(s.traces->start(request.caller, *info), wrapped);
}

Reply get(Request& request, const Services& s) {
  return reply_of(s.traces->get_info(request.caller, request.arg("trace_id")), wrapped);
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  traces::Search wanted;
  wanted.experiment_ids = in.texts("experiment_ids");
  if (wanted.experiment_ids.empty() && !in.failed()) in.text("experiment_ids");
  read_search(in, wanted);
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->search(request.caller, wanted),
                  [](const auto& page) { return traces_json(page, to_old_json); });
}

}  // namespace

void add_old_traces(Table& table) {
  table.add({"POST", "/traces", Permission::write, "trace.started", "Begins a trace (before MLflow 3).", start});
  table.add(
      {"PATCH", "/traces/{trace_id}", Permission::write, "trace.started", "Ends a trace (before MLflow 3).", end});
  table.add({"GET", "/traces", Permission::read, "none", "Traces by filter and order (before MLflow 3).", search});
  table.add({"GET", "/traces/{trace_id}/info", Permission::read, "none", "One trace (before MLflow 3).", get});
}

}  // namespace millrace::api::mlflow
