// Spans come a few at a time, in any order and from several processes: each batch is kept as it is, and what is known
// of the trace as a whole is brought up to date, until its client says so itself (traces/start.cc).
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/hash.h"
#include "traces/rows.h"
#include "traces/traces.h"
#include "traces/usage.h"
#include "track/rows.h"

namespace millrace::traces {
namespace {

constexpr std::string_view kTagPrefix = "mlflow.traceTag.";

struct Known {
  bool exists = false, finalized = false;
  std::string state;
  int64_t request_time = 0;
  std::optional<int64_t> duration;
  bool has_request = false, has_response = false;
};

Result<Known> load_known(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT state, request_time, duration, finalized, request_preview, response_preview FROM "
                             "llm_traces WHERE workspace = ? AND id = ?",
                             {workspace, id}));
  if (!row) return Known{};
  return Known{.exists = true,
               .finalized = row->integer(3) != 0,
               .state = row->text(0),
               .request_time = row->integer(1),
               .duration = row->is_null(2) ? std::optional<int64_t>() : row->integer(2),
               .has_request = !row->is_null(4),
               .has_response = !row->is_null(5)};
}

std::string first_characters(const std::string& text, size_t count) {
  size_t at = 0;
  for (size_t seen = 0; at < text.size(); ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && ++seen > count) break;
  return text.substr(0, at);
}

store::Value preview_of(const Span& root, std::string_view key) {
  const auto value = attribute_of(root.content, key);
  if (value.is_null()) return nullptr;
  auto text = value.is_string() ? value.get<std::string>() : to_text(value);
  std::erase(text, '\0');
  return first_characters(text, bounds::preview);
}

// The spans of one trace in one batch.
struct Group {
  std::vector<const Received*> all;
  const Span* root = nullptr;
  int64_t first_ms = 0, last_ms = 0;  // last_ms: 0 = nothing has ended
};

std::map<std::string, Group> grouped(const std::vector<Received>& spans) {
  std::map<std::string, Group> out;
  for (const auto& each : spans) {
    auto& group = out[each.span.trace_id];
    const auto start = each.span.start_ns / 1'000'000;
    group.first_ms = group.all.empty() ? start : std::min(group.first_ms, start);
    group.last_ms = std::max(group.last_ms, each.span.end_ns / 1'000'000);
    if (each.span.is_root()) group.root = &each.span;
    group.all.push_back(&each);
  }
  return out;
}

std::string state_of(const Span& root) { return root.status == "ERROR" ? "ERROR" : "OK"; }

Result<void> store_span(store::Session& session, const std::string& workspace, const Span& it) {
  MILLRACE_DO(session.execute(
      "INSERT INTO llm_spans (workspace, trace_id, id, parent_id, name, type, status, start_ns, end_ns, usage, cost, "
      "content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, trace_id, id) DO UPDATE SET "
      "parent_id = excluded.parent_id, name = excluded.name, type = excluded.type, status = excluded.status, "
      "start_ns = excluded.start_ns, end_ns = excluded.end_ns, usage = excluded.usage, cost = excluded.cost, "
      "content = excluded.content",
      {workspace, it.trace_id, it.id, it.parent_id, it.name, it.type, it.status, it.start_ns, it.end_ns, it.usage,
       it.cost, to_text(it.content)}));
  return {};
}

// The trace's row as its spans tell it so far.
Result<void> update_trace(store::Session& session, const std::string& workspace, const std::string& id,
                          const Group& group, Known known) {
  const bool undecided = known.state == "IN_PROGRESS" || known.state == "STATE_UNSPECIFIED";
  if (undecided && group.root != nullptr) known.state = state_of(*group.root);
  if (!known.finalized) {
    const auto end = std::max(known.duration ? known.request_time + *known.duration : 0, group.last_ms);
    known.request_time = std::min(known.request_time, group.first_ms);
    if (end > 0) known.duration = end - known.request_time;
  }
  const store::Value duration = known.duration ? store::Value(*known.duration) : store::Value(nullptr);
  MILLRACE_DO(
      session.execute("UPDATE llm_traces SET state = ?, request_time = ?, duration = ? WHERE workspace = ? AND id = ?",
                      {known.state, known.request_time, duration, workspace, id}));
  if (group.root == nullptr) return {};
  for (const auto& [has, column, key] : {std::tuple{known.has_request, "request_preview", "mlflow.spanInputs"},
                                         std::tuple{known.has_response, "response_preview", "mlflow.spanOutputs"}})
    if (const auto preview = preview_of(*group.root, key); !has && !std::holds_alternative<std::nullptr_t>(preview))
      MILLRACE_DO(session.execute(fmt::format("UPDATE llm_traces SET {} = ? WHERE workspace = ? AND id = ?", column),
                                  {preview, workspace, id}));
  return {};
}

// What is too long for a tag is left out here, not refused: it is the process's, not the client's.
Result<void> store_guessed(store::Session& session, PairTable table, const std::string& workspace,
                           const std::string& id, const std::string& key, const Json& value) {
  if (value.is_null()) return {};
  auto text = value.is_string() ? value.get<std::string>() : to_text(value);
  std::erase(text, '\0');
  if (key.find('\0') != std::string::npos || !check_pair("tag", key, text)) return {};
  return store_pair(session, table, workspace, id, key, text);
}

Result<void> store_tags(store::Session& session, const std::string& workspace, const std::string& id,
                        const Group& group) {
  for (const auto& [key, value] : group.all.front()->resource)
    if (!key.starts_with("telemetry.sdk.") && !key.starts_with("mlflow."))
      MILLRACE_DO(store_guessed(session, PairTable::tags, workspace, id, key, value));
  if (group.root != nullptr)
    if (const auto* attributes = find(group.root->content, "attributes"))
      for (const auto& each : *attributes) {
        const auto key = string_or(each, "key", "");
        if (key.starts_with(kTagPrefix))
          MILLRACE_DO(store_guessed(session, PairTable::tags, workspace, id, key.substr(kTagPrefix.size()),
                                    attribute_of(group.root->content, key)));
      }
  return store_pair(session, PairTable::tags, workspace, id, tag::spans_location, "TRACKING_STORE");
}

// Whose trace it is, and what it used up, unless the client has said so.
Result<void> store_metadata(store::Session& session, const std::string& workspace, const std::string& id,
                            const Group& group) {
  std::map<std::string, Json> guessed;
  for (const auto* each : group.all)
    for (const auto& [attribute, key] :
         {std::pair{"session.id", metadata::session}, std::pair{"gen_ai.conversation.id", metadata::session},
          std::pair{"user.id", metadata::user}})
      if (const auto value = attribute_of(each->span.content, attribute); !value.is_null())
        guessed.try_emplace(std::string(key), value);
  for (const auto& [key, value] : guessed) {
    MILLRACE_TRY(const auto row,
                 session.first("SELECT 1 FROM llm_trace_metadata WHERE workspace = ? AND trace_id = ? AND key = ?",
                               {workspace, id, key}));
    if (!row) MILLRACE_DO(store_guessed(session, PairTable::metadata, workspace, id, key, value));
  }
  return {};
}

// Parents may tell what their children used, so the whole tree is summed anew.
Result<void> store_usage(store::Session& session, const std::string& workspace, const std::string& id,
                         const Group& group) {
  for (const auto& [column, member, key] :
       {std::tuple{"usage", &Span::usage, metadata::token_usage}, std::tuple{"cost", &Span::cost, metadata::cost}}) {
    const bool any = std::any_of(group.all.begin(), group.all.end(),
                                 [member = member](const Received* each) { return !(each->span.*member).empty(); });
    if (!any) continue;
    MILLRACE_TRY(
        const auto rows,
        session.query(
            fmt::format("SELECT id, parent_id, {} FROM llm_spans WHERE workspace = ? AND trace_id = ?", column),
            {workspace, id}));
    std::vector<UsageNode> nodes;
    for (const auto& row : rows) {
      auto usage = row.text(2).empty() ? Result<Json>(Json()) : parse_json(row.text(2), "usage");
      nodes.push_back({row.text(0), row.text(1), usage ? std::move(*usage) : Json()});
    }
    MILLRACE_DO(store_pair(session, PairTable::metadata, workspace, id, key, to_text(total_usage(nodes))));
  }
  return {};
}

Result<void> store_group(store::Session& session, const Caller& caller, const track::Experiment& experiment,
                         const std::string& id, const Group& group, int64_t now) {
  const auto& workspace = caller.workspace;
  MILLRACE_TRY(auto known, load_known(session, workspace, id));
  if (!known.exists) {
    known.state = "IN_PROGRESS";
    known.request_time = group.first_ms;
    MILLRACE_DO(track::check_active(experiment));
    MILLRACE_DO(session.execute(
        "INSERT INTO llm_traces (workspace, id, experiment_id, request_time, duration, state, client_request_id, "
        "request_preview, response_preview, finalized, recorded_at) VALUES (?, ?, ?, ?, NULL, ?, NULL, NULL, NULL, 0, "
        "?)",
        {workspace, id, experiment.id, known.request_time, known.state, now}));
    MILLRACE_DO(store_pair(session, PairTable::tags, workspace, id, tag::artifact_location,
                           fmt::format("{}/traces/{}/artifacts", experiment.artifact_location, id)));
  }
  for (const auto* each : group.all) MILLRACE_DO(store_span(session, workspace, each->span));
  MILLRACE_TRY(const auto count,
               session.first("SELECT count(*) FROM llm_spans WHERE workspace = ? AND trace_id = ?", {workspace, id}));
  if (count->integer(0) > static_cast<int64_t>(bounds::trace_spans))
    return Error{Code::too_large, fmt::format("trace '{}' would have more than {} spans", id, bounds::trace_spans)};
  MILLRACE_DO(update_trace(session, workspace, id, group, known));
  MILLRACE_DO(store_tags(session, workspace, id, group));
  MILLRACE_DO(store_metadata(session, workspace, id, group));
  return known.finalized ? Result<void>{} : store_usage(session, workspace, id, group);
}

std::string digest_of_spans(const std::vector<Received>& spans) {
  Sha256 hash;
  for (const auto& each : spans) hash.update(to_text(each.span.content));
  return hash.digest();
}

}  // namespace

Result<void> Traces::log_spans(const Caller& caller, const std::string& experiment_id,
                               const std::vector<Received>& spans, const std::string& run) {
  if (spans.empty()) return {};
  MILLRACE_TRY(const auto experiment, tracking_.get_experiment(caller, experiment_id));
  const auto groups = grouped(spans);
  const auto digest = digest_of_spans(spans);
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    if (!run.empty()) MILLRACE_DO(track::load_run_info(session, caller.workspace, run));
    Json ids = Json::array();
    for (const auto& [id, group] : groups) {
      MILLRACE_DO(store_group(session, caller, experiment, id, group, now_ms()));
      if (!run.empty() && group.root != nullptr) MILLRACE_DO(store_link(session, caller.workspace, id, run));
      if (ids.size() < 100) ids.push_back(id);
    }
    auto change = change_of("spans_logged", {{"experiment_id", experiment.id},
                                             {"traces", groups.size()},
                                             {"trace_ids", std::move(ids)},
                                             {"spans", spans.size()}});
    if (!run.empty()) change.body["run_id"] = run;
    change.after = digest;
    return change;
  }));
  return {};
}

}  // namespace millrace::traces
