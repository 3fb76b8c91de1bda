#include "api/mlflow/trace_json.h"

#include <charconv>

#include <fmt/format.h>

#include "core/clock.h"

namespace millrace::api::mlflow {
namespace {

const std::vector<std::string_view> kStates{"STATE_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS"};

std::string time_text(int64_t ms) {
  auto text = to_iso(ms * 1000);
  return text.substr(0, text.size() - 4) + "Z";  // milliseconds will do
}

std::string duration_text(int64_t ms) { return fmt::format("{}.{:03}s", ms / 1000, ms % 1000); }

// "1.5s": whole seconds, and at most nine digits after the point.
std::optional<int64_t> parse_duration(std::string_view text) {
  if (!text.ends_with('s')) return std::nullopt;
  text.remove_suffix(1);
  const auto point = text.find('.');
  int64_t seconds = 0, ms = 0;
  const auto whole = text.substr(0, point);
  const auto [end, problem] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
  if (problem != std::errc() || end != whole.data() + whole.size() || seconds < 0 || seconds > 1'000'000'000'000)
    return std::nullopt;
  if (point != std::string_view::npos) {
    const auto digits = text.substr(point + 1);
    if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string_view::npos)
      return std::nullopt;
    for (size_t i = 0; i < 3; ++i) ms = ms * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  }
  return seconds * 1000 + ms;
}

Json pairs_json(const std::map<std::string, std::string>& pairs) {
  Json out = Json::array();
  for (const auto& [key, value] : pairs) out.push_back({{"key", key}, {"value", value}});
  return out;
}

void put(Json& json, const char* name, const std::optional<std::string>& text) {
  if (text) json[name] = *text;
}
void put(Json& json, const char* name, const std::string& text) {
  if (!text.empty()) json[name] = text;
}

}  // namespace

Json to_json(const traces::Assessment& it) {
  Json out{{"assessment_id", it.id},
           {"assessment_name", it.name},
           {"trace_id", it.trace_id},
           {"source", {{"source_type", it.source_type}, {"source_id", it.source_id}}},
           {"create_time", time_text(it.create_time)},
           {"last_update_time", time_text(it.update_time)},
           {it.kind, it.content},
           {"valid", it.valid}};
  put(out, "span_id", it.span_id);
  put(out, "rationale", it.rationale);
  put(out, "overrides", it.overrides);
  if (!it.metadata.empty()) out["metadata"] = it.metadata;
  return out;
}

Json to_json(const traces::TraceInfo& info) {
  Json out{{"trace_id", info.id},
           {"trace_location",
            {{"type", "MLFLOW_EXPERIMENT"}, {"mlflow_experiment", {{"experiment_id", info.experiment_id}}}}},
           {"request_time", time_text(info.request_time)},
           {"state", info.state},
           {"trace_metadata", info.metadata},
           {"tags", info.tags}};
  put(out, "client_request_id", info.client_request_id);
  put(out, "request_preview", info.request_preview);
  put(out, "response_preview", info.response_preview);
  if (info.duration) out["execution_duration"] = duration_text(*info.duration);
  for (const auto& each : info.assessments) out["assessments"].push_back(to_json(each));
  return out;
}

Json to_json(const traces::Trace& trace) {
  return {{"trace_info", to_json(trace.info)}, {"spans", trace.spans.empty() ? Json::array() : Json(trace.spans)}};
}

Json to_old_json(const traces::TraceInfo& info) {
  Json out{{"request_id", info.id},
           {"experiment_id", info.experiment_id},
           {"timestamp_ms", info.request_time},
           {"status", info.state == "STATE_UNSPECIFIED" ? "TRACE_STATUS_UNSPECIFIED" : info.state},
           {"request_metadata", pairs_json(info.metadata)},
           {"tags", pairs_json(info.tags)}};
  if (info.duration) out["execution_time_ms"] = *info.duration;
  return out;
}

Json to_span_file(const traces::Trace& trace) {
  Json spans = Json::array();
  for (const auto& span : trace.spans) {
    Json out{{"parent_span_id", nullptr}, {"events", Json::array()}, {"attributes", Json::object()}};
    for (const auto* name :
         {"trace_id", "span_id", "parent_span_id", "name", "start_time_unix_nano", "end_time_unix_nano"})
      if (span.contains(name)) out[name] = span[name];
    const auto* status = find(span, "status");
    out["status"] = {
        {"code", status == nullptr ? "STATUS_CODE_UNSET" : string_or(*status, "code", "STATUS_CODE_UNSET")},
        {"message", status == nullptr ? "" : string_or(*status, "message", "")}};
    if (const auto* attributes = find(span, "attributes"))
      for (const auto& each : *attributes) {
        const auto key = string_or(each, "key", "");
        out["attributes"][key] = to_text(traces::attribute_of(span, key));
      }
    if (const auto* events = find(span, "events"))
      for (const auto& event : *events) {
        Json attributes = Json::object();
        if (const auto* list = find(event, "attributes"))
          for (const auto& each : *list)
            attributes[string_or(each, "key", "")] = traces::attribute_of(event, string_or(each, "key", ""));
        out["events"].push_back({{"name", string_or(event, "name", "")},
                                 {"time_unix_nano", event.value("time_unix_nano", uint64_t{0})},
                                 {"attributes", std::move(attributes)}});
      }
    spans.push_back(std::move(out));
  }
  return {{"spans", std::move(spans)}};
}

int64_t read_time(Body& body, std::string_view name) {
  const auto text = body.optional_text(name);
  if (!text) return 0;
  const auto time = parse_time(*text);
  if (!time || *time < 0) return body.refuse_text(name, *text, "a time like 2026-01-01T00:00:00Z is needed"), 0;
  return *time / 1000;
}

Json read_feedback(Body& body) {
  Json out = Json::object();
  auto it = body.object("feedback");
  if (!it) return out;
  out["value"] = it->any("value");
  if (auto error = it->object("error")) {
    out["error"] = {{"error_code", error->text("error_code")}, {"error_message", error->text_or("error_message")}};
    if (auto stack = error->optional_text("stack_trace")) out["error"]["stack_trace"] = *stack;
    body.check(*error);
  }
  body.check(*it);
  return out;
}

Json read_expectation(Body& body) {
  Json out = Json::object();
  auto it = body.object("expectation");
  if (!it) return out;
  if (auto serialized = it->object("serialized_value")) {
    out["serialized_value"] = {{"serialization_format", serialized->text("serialization_format")},
                               {"value", serialized->text_or("value")}};
    body.check(*serialized);
  } else {
    out["value"] = it->any("value");
  }
  body.check(*it);
  return out;
}

traces::Assessment read_assessment(Body& body) {
  traces::Assessment out;
  out.id = body.text_or("assessment_id");
  out.name = body.text_or("assessment_name");
  out.trace_id = body.text_or("trace_id");
  out.span_id = body.text_or("span_id");
  out.rationale = body.text_or("rationale");
  out.overrides = body.text_or("overrides");
  out.metadata = body.text_map("metadata");
  out.valid = body.boolean_or("valid", true);
  out.create_time = read_time(body, "create_time");
  out.update_time = read_time(body, "last_update_time");
  if (auto source = body.object("source")) {
    out.source_type = source->text_or("source_type");
    out.source_id = source->text_or("source_id");
    body.check(*source);
  }
  const bool feedback = body.has("feedback"), expectation = body.has("expectation"), issue = body.has("issue");
  if (feedback + expectation + issue != 1) {
    body.refuse_text("assessment", "", "exactly one of feedback, expectation and issue is needed");
    return out;
  }
  out.kind = feedback ? "feedback" : expectation ? "expectation" : "issue";
  if (feedback) out.content = read_feedback(body);
  if (expectation) out.content = read_expectation(body);
  if (!issue) return out;
  if (auto it = body.object("issue")) {
    out.content = {{"issue_name", it->text_or("issue_name")}};
    body.check(*it);
  }
  return out;
}

Json traces_json(const track::Page<traces::TraceInfo>& page, Json (*write)(const traces::TraceInfo&)) {
  Json out = Json::object();
  for (const auto& info : page.items) out["traces"].push_back(write(info));
  if (!page.next.empty()) out["next_page_token"] = page.next;
  return out;
}

void read_search(Body& body, traces::Search& into) {
  into.filter = body.text_or("filter");
  into.order_by = body.texts("order_by");
  into.max_results = body.integer_or("max_results", 100);
  into.page_token = body.text_or("page_token");
}

traces::TraceInfo read_info(Body& body) {
  traces::TraceInfo out;
  out.id = body.text("trace_id");
  if (auto location = body.object("trace_location")) {
    if (auto experiment = location->object("mlflow_experiment")) {
      out.experiment_id = experiment->text("experiment_id");
      body.check(*experiment);
    }
    body.check(*location);
  }
  if (out.experiment_id.empty() && !body.failed())
    body.refuse_text("trace_location", "", "a trace is kept in an experiment: mlflow_experiment.experiment_id");
  out.client_request_id = body.optional_text("client_request_id");
  out.request_preview = body.optional_text("request_preview");
  out.response_preview = body.optional_text("response_preview");
  out.request_time = read_time(body, "request_time");
  if (const auto text = body.optional_text("execution_duration")) {
    out.duration = parse_duration(*text);
    if (!out.duration) body.refuse_text("execution_duration", *text, "seconds like 0.250s are needed");
  }
  out.state = body.enumerated("state", kStates, 0);
  if (out.state.empty()) out.state = "STATE_UNSPECIFIED";
  out.metadata = body.text_map("trace_metadata");
  out.tags = body.text_map("tags");
  for (auto& each : body.objects("assessments")) {
    out.assessments.push_back(read_assessment(each));
    body.check(each);
  }
  return out;
}

}  // namespace millrace::api::mlflow
