// What is kept of traces of language models and agents, as plain values. Times are milliseconds since 1970 (as MLflow's
// clients have them), those of spans nanoseconds. JSON has the names and forms of protobuf's JSON mapping.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"

namespace millrace::traces {

struct Span {
  std::string trace_id;       // "tr-" and 32 hexadecimal digits
  std::string id, parent_id;  // 16 hexadecimal digits; a root has no parent
  std::string name, type;     // type: what mlflow.spanType says, or UNKNOWN
  std::string status;         // UNSET, OK, ERROR
  int64_t start_ns = 0;
  int64_t end_ns = 0;       // 0 = it runs still
  std::string usage, cost;  // objects of numbers as JSON, "" when it says nothing of them
  Json content;             // opentelemetry.proto.trace.v1.Span
  bool is_root() const { return parent_id.empty(); }
};

// Feedback, an expectation or a reference to an issue: what somebody or something thinks of a trace.
struct Assessment {
  std::string id, trace_id, span_id, name;
  std::string source_type, source_id;  // HUMAN, CODE, LLM_JUDGE ...
  std::string kind;                    // feedback, expectation, issue
  Json content = Json::object();       // {"value": .., "error": {..}}, {"value": ..} or {"serialized_value": {..}}
  std::string rationale, overrides;
  std::map<std::string, std::string> metadata;
  bool valid = true;
  int64_t create_time = 0, update_time = 0;
};

struct TraceInfo {
  std::string id, experiment_id;
  std::optional<std::string> client_request_id, request_preview, response_preview;
  int64_t request_time = 0;
  std::optional<int64_t> duration;
  std::string state;  // STATE_UNSPECIFIED, IN_PROGRESS, OK, ERROR
  std::map<std::string, std::string> metadata, tags;
  std::vector<Assessment> assessments;
};

struct Trace {
  TraceInfo info;
  std::vector<Json> spans;  // opentelemetry.proto.trace.v1.Span; roots first, then by start
};

namespace tag {
inline constexpr std::string_view name = "mlflow.traceName", spans_location = "mlflow.trace.spansLocation",
                                  archive_location = "mlflow.trace.archiveLocation",
                                  archival_failure = "mlflow.trace.archivalFailure",
                                  artifact_location = "mlflow.artifactLocation",
                                  linked_prompts = "mlflow.linkedPrompts";
}  // namespace tag
namespace metadata {
inline constexpr std::string_view source_run = "mlflow.sourceRun", session = "mlflow.trace.session",
                                  user = "mlflow.trace.user", size_stats = "mlflow.trace.sizeStats",
                                  token_usage = "mlflow.trace.tokenUsage", cost = "mlflow.trace.cost",
                                  finalized = "mlflow.trace.infoFinalized";
}  // namespace metadata

namespace bounds {
inline constexpr size_t body_bytes = 16 << 20, inflated_bytes = 64 << 20, values = 500'000, depth = 64;
inline constexpr size_t spans = 10'000;        // of one request
inline constexpr size_t trace_spans = 20'000;  // of one trace
inline constexpr size_t preview = 1'000;       // characters
inline constexpr size_t key = 250, value = 8'000, pairs = 1'000;
inline constexpr size_t assessments = 1'000;  // of one trace
inline constexpr size_t assessment_bytes = 1 << 20;
inline constexpr size_t name = 500, ids = 1'000, linked = 100, delete_at_once = 200;
inline constexpr size_t page = 500, pattern_bytes = 1'000, order_by = 20, filter_bytes = 32 << 10;
inline constexpr size_t looked_at = 20'000;  // traces that one page of a search reads at most
}  // namespace bounds

}  // namespace millrace::traces
