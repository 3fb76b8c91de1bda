#include "traces/rows.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "core/json.h"
#include "track/names.h"
#include "track/search/query.h"

namespace millrace::traces {
namespace {

constexpr size_t kAtOnce = 256;  // ids in one statement

constexpr std::string_view kInfoColumns =
    "id, experiment_id, request_time, duration, state, client_request_id, request_preview, response_preview";
constexpr std::string_view kAssessmentColumns =
    "trace_id, id, kind, name, content, span_id, source_type, source_id, rationale, metadata, overrides, valid, "
    "create_time, update_time";

std::optional<std::string> text_or_nothing(const store::Row& row, size_t column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.text(column));
}

TraceInfo to_info(const store::Row& row) {
  return {.id = row.text(0),
          .experiment_id = row.text(1),
          .client_request_id = text_or_nothing(row, 5),
          .request_preview = text_or_nothing(row, 6),
          .response_preview = text_or_nothing(row, 7),
          .request_time = row.integer(2),
          .duration = row.is_null(3) ? std::optional<int64_t>() : row.integer(3),
          .state = row.text(4),
          .metadata = {},
          .tags = {},
          .assessments = {}};
}

Assessment to_assessment(const store::Row& row) {
  Assessment out{.id = row.text(1),
                 .trace_id = row.text(0),
                 .span_id = row.text(5),
                 .name = row.text(3),
                 .source_type = row.text(6),
                 .source_id = row.text(7),
                 .kind = row.text(2),
                 .content = Json::object(),
                 .rationale = row.text(8),
                 .overrides = row.text(10),
                 .metadata = {},
                 .valid = row.integer(11) != 0,
                 .create_time = row.integer(12),
                 .update_time = row.integer(13)};
  if (auto content = parse_json(row.text(4), "assessment")) out.content = std::move(*content);
  if (const auto read = parse_json(row.text(9), "assessment"); read && read->is_object())
    for (const auto& [key, value] : read->items())
      out.metadata[key] = value.is_string() ? value.get<std::string>() : "";
  return out;
}

std::string_view name_of(PairTable table) { return table == PairTable::tags ? "llm_trace_tags" : "llm_trace_metadata"; }

using ById = std::unordered_map<std::string, TraceInfo>;

Result<void> fill_pairs(store::Session& session, const std::string& list, const store::Values& values, PairTable table,
                        ById& infos) {
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT trace_id, key, value FROM {} WHERE workspace = ? AND trace_id IN ({})",
                                         name_of(table), list),
                             values));
  for (const auto& row : rows)
    if (const auto found = infos.find(row.text(0)); found != infos.end())
      (table == PairTable::tags ? found->second.tags : found->second.metadata)[row.text(1)] = row.text(2);
  return {};
}

Result<void> load_slice(store::Session& session, const std::string& workspace, const std::vector<std::string>& ids,
                        ById& infos) {
  store::Values values{workspace};
  const auto list = track::placeholders(ids, values);
  MILLRACE_TRY(
      const auto rows,
      session.query(fmt::format("SELECT {} FROM llm_traces WHERE workspace = ? AND id IN ({})", kInfoColumns, list),
                    values));
  for (const auto& row : rows) infos.emplace(row.text(0), to_info(row));
  MILLRACE_DO(fill_pairs(session, list, values, PairTable::tags, infos));
  MILLRACE_DO(fill_pairs(session, list, values, PairTable::metadata, infos));
  MILLRACE_TRY(auto assessments, load_assessments(session, workspace, ids));
  for (auto& each : assessments)
    if (const auto found = infos.find(each.trace_id); found != infos.end())
      found->second.assessments.push_back(std::move(each));
  return {};
}

Error too_long(std::string_view what, std::string_view value, size_t most) {
  return Error{Code::invalid, fmt::format("{} '{}' had length {}, which exceeded length limit of {}", what,
                                          value.substr(0, 80), track::characters_in(value), most)};
}

}  // namespace

Result<std::vector<TraceInfo>> load_infos(store::Session& session, const std::string& workspace,
                                          const std::vector<std::string>& ids) {
  ById infos;
  for (size_t from = 0; from < ids.size(); from += kAtOnce)
    MILLRACE_DO(load_slice(session, workspace,
                           {ids.begin() + static_cast<ptrdiff_t>(from),
                            ids.begin() + static_cast<ptrdiff_t>(std::min(ids.size(), from + kAtOnce))},
                           infos));
  std::vector<TraceInfo> out;
  for (const auto& id : ids)
    if (const auto found = infos.find(id); found != infos.end()) {
      out.push_back(std::move(found->second));
      infos.erase(found);
    }
  return out;
}

Result<TraceInfo> load_info(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(auto found, load_infos(session, workspace, {id}));
  if (found.empty()) return Error{Code::not_found, fmt::format("Trace with ID '{}' not found.", id.substr(0, 250))};
  return std::move(found.front());
}

Result<void> check_exists(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT 1 FROM llm_traces WHERE workspace = ? AND id = ?", {workspace, id}));
  if (!row) return Error{Code::not_found, fmt::format("Trace with ID '{}' not found.", id.substr(0, 250))};
  return {};
}

Result<std::vector<Json>> load_spans(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(const auto rows, session.query("SELECT content FROM llm_spans WHERE workspace = ? AND trace_id = ? "
                                              "ORDER BY CASE WHEN parent_id = '' THEN 0 ELSE 1 END, start_ns, id",
                                              {workspace, id}));
  std::vector<Json> out;
  for (const auto& row : rows) {
    MILLRACE_TRY(auto span, parse_json(row.text(0), "span"));
    out.push_back(std::move(span));
  }
  return out;
}

Result<std::vector<Assessment>> load_assessments(store::Session& session, const std::string& workspace,
                                                 const std::vector<std::string>& ids) {
  store::Values values{workspace};
  const auto list = track::placeholders(ids, values);
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT {} FROM llm_assessments WHERE workspace = ? AND trace_id IN ({}) "
                                         "ORDER BY create_time, id",
                                         kAssessmentColumns, list),
                             values));
  std::vector<Assessment> out;
  for (const auto& row : rows) out.push_back(to_assessment(row));
  return out;
}

Result<void> store_pair(store::Session& session, PairTable table, const std::string& workspace, const std::string& id,
                        std::string_view key, const std::string& value) {
  MILLRACE_DO(session.execute(fmt::format("INSERT INTO {} (workspace, trace_id, key, value) VALUES (?, ?, ?, ?) "
                                          "ON CONFLICT (workspace, trace_id, key) DO UPDATE SET value = excluded.value",
                                          name_of(table)),
                              {workspace, id, std::string(key), value}));
  return {};
}

Result<void> store_assessment(store::Session& session, const std::string& workspace, const Assessment& it) {
  const auto value = value_of(it);
  const store::Value number = value.is_number() ? store::Value(value.get<double>()) : store::Value(nullptr);
  MILLRACE_DO(session.execute(
      "INSERT INTO llm_assessments (workspace, trace_id, id, kind, name, content, value, number, span_id, source_type, "
      "source_id, rationale, metadata, overrides, valid, create_time, update_time) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (workspace, trace_id, id) DO UPDATE SET name = excluded.name, content = excluded.content, "
      "value = excluded.value, number = excluded.number, rationale = excluded.rationale, metadata = excluded.metadata, "
      "valid = excluded.valid, update_time = excluded.update_time",
      {workspace, it.trace_id, it.id, it.kind, it.name, to_text(it.content), to_text(value), number, it.span_id,
       it.source_type, it.source_id, it.rationale, to_text(Json(it.metadata)), it.overrides, int64_t{it.valid},
       it.create_time, it.update_time}));
  return {};
}

Result<void> store_link(store::Session& session, const std::string& workspace, const std::string& id,
                        const std::string& run) {
  MILLRACE_DO(
      session.execute("INSERT INTO llm_trace_runs (workspace, trace_id, run_id) VALUES (?, ?, ?) "
                      "ON CONFLICT (workspace, trace_id, run_id) DO NOTHING",
                      {workspace, id, run}));
  return {};
}

Result<void> check_trace_id(std::string_view id) {
  const bool plain = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
  if (!id.empty() && id.size() <= bounds::key && plain) return {};
  if (id.empty()) return Error{Code::invalid, "Missing value for required parameter 'trace_id'."};
  return Error{Code::invalid, fmt::format("Invalid value {} for parameter 'trace_id' supplied: a trace ID has letters, "
                                          "digits, '_' and '-', at most {}",
                                          to_text(Json(std::string(id.substr(0, 250)))), bounds::key)};
}

Result<void> check_pair(std::string_view what, std::string_view key, std::string_view value) {
  if (key.empty()) return Error{Code::invalid, fmt::format("Missing value for required parameter '{}.key'.", what)};
  if (track::characters_in(key) > bounds::key) return too_long(fmt::format("{} key", what), key, bounds::key);
  if (track::characters_in(value) > bounds::value) return too_long(fmt::format("{} value", what), value, bounds::value);
  return {};
}

Result<void> check_assessment(const Assessment& it) {
  if (it.name.empty())
    return Error{Code::invalid, "Missing value for required parameter 'assessment.assessment_name'."};
  for (const auto& [what, text] : {std::pair<std::string_view, std::string_view>{"Assessment name", it.name},
                                   {"Assessment source", it.source_id},
                                   {"Assessment source type", it.source_type},
                                   {"Assessment span id", it.span_id},
                                   {"Assessment id", it.id}})
    if (track::characters_in(text) > bounds::key) return too_long(what, text, bounds::key);
  if (it.source_type.empty()) return Error{Code::invalid, "Missing value for required parameter 'assessment.source'."};
  if (it.metadata.size() > bounds::pairs)
    return Error{Code::invalid, fmt::format("an assessment has at most {} metadata entries", bounds::pairs)};
  for (const auto& [key, value] : it.metadata) MILLRACE_DO(check_pair("Assessment metadata", key, value));
  if (to_text(it.content).size() + it.rationale.size() > bounds::assessment_bytes)
    return Error{Code::too_large,
                 fmt::format("an assessment's value and rationale have more than {} bytes", bounds::assessment_bytes)};
  return {};
}

Json value_of(const Assessment& it) {
  if (it.kind == "issue") return it.content;
  if (const auto* plain = find(it.content, "value")) return *plain;
  const auto* serialized = find(it.content, "serialized_value");
  if (serialized == nullptr) return Json();
  const auto text = string_or(*serialized, "value", "");
  auto read = parse_json(text, "assessment");
  return read ? std::move(*read) : Json(text);
}

lineage::Change change_of(std::string_view kind, Json body) {
  return {
      .kind = fmt::format("trace.{}", kind), .node = "", .before = "", .after = "", .why = "", .body = std::move(body)};
}

}  // namespace millrace::traces
