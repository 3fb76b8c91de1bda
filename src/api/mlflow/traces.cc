#include <optional>

#include "api/mlflow/send_artifact.h"
#include "api/mlflow/table.h"
#include "api/mlflow/trace_json.h"
#include "traces/otlp.h"

namespace millrace::api::mlflow {
namespace {

// Spans as OpenTelemetry's exporters send them. The experiment is named by a header, since the message has no place.
Reply receive(Request& request, const Services& s) {
  const std::string experiment(request.header("x-mlflow-experiment-id"));
  const std::string run(request.header("x-mlflow-run-id"));
  if (experiment.empty())
    return error_reply(Error{Code::invalid, "Missing value for required header 'x-mlflow-experiment-id'."});
  auto type = request.header("content-type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  const bool json = type == "application/json";
  if (!json && type != "application/x-protobuf")
    return error_reply(Error{Code::invalid, "Invalid Content-Type: " + std::string(type.substr(0, 80)) +
                                                ". Expected: application/x-protobuf or application/json"});
  if (const auto encoding = request.header("content-encoding"); !encoding.empty() && encoding != "identity") {
    auto unpacked = traces::inflate(request.body, encoding);
    if (!unpacked) return error_reply(unpacked.error());
    request.body = std::move(*unpacked);
  }
  auto spans = [&]() -> Result<std::vector<traces::Received>> {
    if (!json) return traces::read_otlp_protobuf(request.body);
    MILLRACE_TRY(const auto message, parse_json(request.body, "request body"));
    return traces::read_otlp_json(message);
  }();
  if (!spans) return error_reply(spans.error());
  const auto done = s.traces->log_spans(request.caller, experiment, *spans, run);
  if (!done) return error_reply(done.error());
  if (json) return Reply::json(Json::object());
  return {.status = 200, .content_type = "application/x-protobuf", .body = ""};  // an empty ExportTraceServiceResponse
}

Reply start(Request& request, const Services& s) {
  auto in = Body::of(request);
  auto trace = in.object("trace");
  if (!trace && !in.failed()) in.text("trace");  // says that it is missing
  std::optional<Body> info = trace ? trace->object("trace_info") : std::nullopt;
  if (trace && !info && !trace->failed()) trace->text("trace_info");
  if (trace) in.check(*trace);
  traces::TraceInfo wanted;
  if (info) {
    wanted = read_info(*info);
    in.check(*info);
  }
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->start(request.caller, wanted), [](const auto& made) {
    return Json{{"trace", {{"trace_info", to_json(made)}}}};
  });
}

Reply get_info(Request& request, const Services& s) {
  return reply_of(s.traces->get_info(request.caller, request.arg("trace_id")), [](const auto& info) {
    return Json{{"trace", {{"trace_info", to_json(info)}}}};
  });
}

Reply get_whole(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.text("trace_id");
  const bool partial = in.boolean_or("allow_partial", false);
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->get(request.caller, id, partial), [](const auto& trace) {
    return Json{{"trace", to_json(trace)}};
  });
}

// Ids, and the experiments that they are to be of; none given is any, an empty list is none.
struct Wanted {
  std::vector<std::string> ids;
  std::optional<std::vector<std::string>> experiments;
  static Wanted of(Body& in) {
    Wanted out{in.texts("trace_ids"), std::nullopt};
    if (out.ids.empty() && !in.failed()) in.text("trace_ids");
    if (in.has("experiment_ids")) out.experiments = in.texts("experiment_ids");
    return out;
  }
};

Reply batch_get(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto wanted = Wanted::of(in);
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->get_all(request.caller, wanted.ids, wanted.experiments), [](const auto& found) {
    Json out = Json::object();
    for (const auto& trace : found) out["traces"].push_back(to_json(trace));
    return out;
  });
}

Reply batch_get_infos(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto wanted = Wanted::of(in);
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->get_infos(request.caller, wanted.ids, wanted.experiments), [](const auto& found) {
    Json out = Json::object();
    for (const auto& info : found) out["trace_infos"].push_back(to_json(info));
    return out;
  });
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  traces::Search wanted;
  auto locations = in.objects("locations");
  if (locations.empty() && !in.failed()) in.text("locations");
  for (auto& location : locations) {
    if (auto experiment = location.object("mlflow_experiment")) {
      wanted.experiment_ids.push_back(experiment->text("experiment_id"));
      in.check(*experiment);
    }
    in.check(location);
  }
  read_search(in, wanted);
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->search(request.caller, wanted),
                  [](const auto& page) { return traces_json(page, &to_json); });
}

Reply set_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto key = in.text("key");
  const auto value = in.text_or("value");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->set_tag(request.caller, request.arg("trace_id"), key, value));
}

// Clients send the key in the body, browsers in the address.
Reply delete_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto query = request.query_value("key");
  const auto key = query && request.body.empty() ? *query : in.text("key");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->delete_tag(request.caller, request.arg("trace_id"), key));
}

Reply remove(Request& request, const Services& s) {
  auto in = Body::of(request);
  const traces::Removal wanted{.experiment_id = in.text("experiment_id"),
                               .ids = in.texts("request_ids"),
                               .until = in.optional_integer("max_timestamp_millis"),
                               .most = in.optional_integer("max_traces")};
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->remove(request.caller, wanted), [](int64_t count) {
    return Json{{"traces_deleted", count}};
  });
}

Reply link_to_run(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto ids = in.texts("trace_ids");
  if (ids.empty() && !in.failed()) in.text("trace_ids");
  const auto run = in.text("run_id");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->link_to_run(request.caller, ids, run));
}

Reply link_prompts(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.text("trace_id");
  std::vector<traces::PromptVersion> prompts;
  for (auto& each : in.objects("prompt_versions")) {
    prompts.push_back({each.text("name"), each.text("version")});
    in.check(each);
  }
  if (prompts.empty() && !in.failed()) in.text("prompt_versions");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.traces->link_prompts(request.caller, id, prompts));
}

// A trace's spans as a file, or a file that belongs to it.
Reply artifact(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto id = in.text("request_id");
  const auto path = in.text_or("path");
  if (in.failed()) return error_reply(in.error());
  const auto trace = s.traces->get(request.caller, id, true);
  if (!trace) return error_reply(trace.error());
  const auto location = trace->info.tags.find(std::string(traces::tag::artifact_location));
  const auto uri = location == trace->info.tags.end() ? "" : location->second;
  if (!path.empty() || (trace->spans.empty() && !uri.empty()))
    return send_artifact(request, s, uri, path.empty() ? "traces.json" : "attachments/" + path);
  Reply reply{.content_type = "application/octet-stream", .body = to_text(to_span_file(*trace))};
  reply.headers.emplace_back("content-disposition", "attachment; filename=\"traces.json\"");
  return reply;
}

}  // namespace

void add_traces(Table& table) {
  table.add_below({""}, {"POST", "/v1/traces", Permission::write, "trace.spans_logged",
                         "Spans through OpenTelemetry's protocol, as protobuf or JSON.", receive,
                         BodyLimit{traces::bounds::body_bytes, false, true}});
  table.add_v3({"POST", "/traces", Permission::write, "trace.started", "What a trace is as a whole.", start});
  table.add_v3({"POST", "/traces/search", Permission::read, "none", "Traces by filter and order.", search});
  table.add_v3({"GET", "/traces/get", Permission::read, "none", "One trace with its spans.", get_whole});
  table.add_v3({"GET", "/traces/batchGet", Permission::read, "none", "Traces with their spans.", batch_get});
  table.add_v3(
      {"POST", "/traces/batchGetInfos", Permission::read, "none", "Traces without their spans.", batch_get_infos});
  table.add_v3({"GET", "/traces/{trace_id}", Permission::read, "none", "One trace without its spans.", get_info});
  for (const auto* prefix : {"/api/2.0/mlflow", "/ajax-api/2.0/mlflow", "/api/3.0/mlflow", "/ajax-api/3.0/mlflow"}) {
    table.add_below({prefix}, {"PATCH", "/traces/{trace_id}/tags", Permission::write, "trace.tag_set",
                               "Sets a tag of a trace.", set_tag});
    table.add_below({prefix}, {"DELETE", "/traces/{trace_id}/tags", Permission::write, "trace.tag_deleted",
                               "Removes a tag of a trace.", delete_tag});
    table.add_below({prefix}, {"POST", "/traces/delete-traces", Permission::write, "trace.deleted",
                               "Deletes traces by their ids or their age.", remove});
    table.add_below({prefix}, {"POST", "/traces/link-to-run", Permission::write, "trace.linked_to_run",
                               "Gives traces to a run.", link_to_run});
    table.add_below({prefix}, {"POST", "/traces/link-prompts", Permission::write, "trace.prompts_linked",
                               "Notes the prompts that a trace used.", link_prompts});
  }
  table.add_below({"/ajax-api/2.0/mlflow", "/ajax-api/3.0/mlflow"},
                  {"GET", "/get-trace-artifact", Permission::read, "none", "A trace's spans as a file.", artifact});
}

}  // namespace millrace::api::mlflow
