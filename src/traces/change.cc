#include <algorithm>

#include <fmt/format.h>

#include "traces/rows.h"
#include "traces/traces.h"
#include "track/rows.h"
#include "track/search/query.h"

namespace millrace::traces {
namespace {

Result<void> check_mutable(std::string_view key, std::string_view doing) {
  const bool fixed = key == tag::spans_location || key == tag::archive_location ||
                     (key == tag::archival_failure && doing != "deleted");
  if (!fixed) return {};
  return Error{Code::invalid, fmt::format("Tag '{}' is immutable and cannot be {} on a trace.", key, doing)};
}

constexpr std::string_view kOwned[] = {"llm_trace_tags",  "llm_trace_metadata", "llm_spans",
                                       "llm_assessments", "llm_trace_runs",     "llm_trace_prompts"};

Result<std::vector<std::string>> ids_to_remove(store::Session& session, const std::string& workspace,
                                               const Removal& removal, int64_t most) {
  store::Values values{workspace, removal.experiment_id};
  std::string which;
  if (removal.until) {
    which = "request_time <= ?";
    values.emplace_back(*removal.until);
  } else {
    which = fmt::format("id IN ({})", track::placeholders(removal.ids, values));
  }
  values.emplace_back(most);
  MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT id FROM llm_traces WHERE workspace = ? AND "
                                                          "experiment_id = ? AND {} ORDER BY request_time, id LIMIT ?",
                                                          which),
                                              values));
  std::vector<std::string> out;
  for (const auto& row : rows) out.push_back(row.text(0));
  return out;
}

}  // namespace

Result<void> Traces::set_tag(const Caller& caller, const std::string& id, const std::string& key,
                             const std::string& value) {
  MILLRACE_DO(check_mutable(key, "set"));
  MILLRACE_DO(check_pair("Trace tag", key, value));
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_exists(session, caller.workspace, id));
    MILLRACE_DO(store_pair(session, PairTable::tags, caller.workspace, id, key, value));
    return change_of("tag_set", {{"trace_id", id}, {"key", key}, {"value", value}});
  }));
  return {};
}

Result<void> Traces::delete_tag(const Caller& caller, const std::string& id, const std::string& key) {
  MILLRACE_DO(check_mutable(key, "deleted"));
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_exists(session, caller.workspace, id));
    MILLRACE_TRY(const auto gone,
                 session.execute("DELETE FROM llm_trace_tags WHERE workspace = ? AND trace_id = ? AND key = ?",
                                 {caller.workspace, id, key}));
    if (gone == 0)
      return Error{Code::not_found, fmt::format("No trace tag with key '{}' for trace with ID '{}'", key, id)};
    return change_of("tag_deleted", {{"trace_id", id}, {"key", key}});
  }));
  return {};
}

// A few at a time, so that nobody's write waits for long.
Result<int64_t> Traces::remove(const Caller& caller, const Removal& removal) {
  if (!removal.until && removal.ids.empty())
    return Error{Code::invalid, "Either `max_timestamp_millis` or `trace_ids` must be specified."};
  if (removal.until && !removal.ids.empty())
    return Error{Code::invalid, "Only one of `max_timestamp_millis` and `trace_ids` can be specified."};
  if (!removal.ids.empty() && removal.most)
    return Error{Code::invalid, "`max_traces` can't be specified if `trace_ids` is specified."};
  if (removal.most && *removal.most <= 0)
    return Error{Code::invalid, fmt::format("`max_traces` must be a positive integer, received {}.", *removal.most)};
  if (removal.ids.size() > bounds::ids)
    return Error{Code::invalid, fmt::format("a request names at most {} traces", bounds::ids)};
  MILLRACE_TRY(const auto experiment, tracking_.get_experiment(caller, removal.experiment_id));
  int64_t total = 0;
  while (!removal.most || total < *removal.most) {
    const auto most = std::min<int64_t>(bounds::delete_at_once, removal.most ? *removal.most - total : INT64_MAX);
    MILLRACE_TRY(const auto gone, remove_some(caller, removal, most));
    total += gone;
    if (gone < most) break;
  }
  return total;
}

Result<void> Traces::forget(const Caller& caller, const std::string& kind, const std::string& id) {
  if (kind == "run")
    MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
      MILLRACE_DO(
          session.execute("DELETE FROM llm_trace_runs WHERE workspace = ? AND run_id = ?", {caller.workspace, id}));
      return lineage::Change{};  // the run's removal has a line
    }));
  if (kind != "experiment") return {};
  constexpr auto most = static_cast<int64_t>(bounds::delete_at_once);
  const Removal all{.experiment_id = id, .ids = {}, .until = INT64_MAX, .most = std::nullopt};
  for (int64_t gone = most; gone == most;) {
    MILLRACE_TRY(gone, remove_some(caller, all, most));
  }
  return {};
}

Result<int64_t> Traces::remove_some(const Caller& caller, const Removal& removal, int64_t most) {
  int64_t count = 0;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto ids, ids_to_remove(session, caller.workspace, removal, most));
    count = static_cast<int64_t>(ids.size());
    if (ids.empty()) return lineage::Change{};
    store::Values values{caller.workspace};
    const auto list = track::placeholders(ids, values);
    for (const auto table : kOwned)
      MILLRACE_DO(
          session.execute(fmt::format("DELETE FROM {} WHERE workspace = ? AND trace_id IN ({})", table, list), values));
    MILLRACE_DO(
        session.execute(fmt::format("DELETE FROM llm_traces WHERE workspace = ? AND id IN ({})", list), values));
    return change_of("deleted", {{"experiment_id", removal.experiment_id}, {"trace_ids", ids}});
  }));
  return count;
}

Result<void> Traces::link_to_run(const Caller& caller, const std::vector<std::string>& ids, const std::string& run) {
  if (ids.size() > bounds::linked)
    return Error{Code::invalid,
                 fmt::format("Cannot link more than {} traces to a run in a single request. Provided {} traces.",
                             bounds::linked, ids.size())};
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto info, track::load_run_info(session, caller.workspace, run));
    Json linked = Json::array();
    for (const auto& id : ids) {
      if (!check_exists(session, caller.workspace, id)) continue;  // gone meanwhile: there is nothing to link
      MILLRACE_DO(store_link(session, caller.workspace, id, run));
      linked.push_back(id);
    }
    if (linked.empty()) return lineage::Change{};
    auto change = change_of("linked_to_run", {{"run_id", run}, {"trace_ids", std::move(linked)}});
    change.node = info.node();
    return change;
  }));
  return {};
}

Result<void> Traces::link_prompts(const Caller& caller, const std::string& id,
                                  const std::vector<PromptVersion>& prompts) {
  if (prompts.size() > bounds::linked)
    return Error{Code::invalid, fmt::format("a request links at most {} prompts", bounds::linked)};
  for (const auto& each : prompts) {
    const bool numeric = !each.version.empty() && each.version.size() <= 18 &&
                         each.version.find_first_not_of("0123456789") == std::string::npos;
    if (each.name.empty() || each.name.size() > bounds::name || !numeric)
      return Error{Code::invalid,
                   fmt::format("Invalid prompt version '{}/{}'", each.name.substr(0, 80), each.version.substr(0, 80))}
          .hint("a prompt has a name and a version number");
  }
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_exists(session, caller.workspace, id));
    Json linked = Json::array();
    for (const auto& each : prompts) {
      MILLRACE_DO(
          session.execute("INSERT INTO llm_trace_prompts (workspace, trace_id, prompt, version) VALUES (?, ?, ?, ?) "
                          "ON CONFLICT (workspace, trace_id, prompt, version) DO NOTHING",
                          {caller.workspace, id, each.name, each.version}));
      linked.push_back(each.name + "/" + each.version);
    }
    if (linked.empty()) return lineage::Change{};
    return change_of("prompts_linked", {{"trace_id", id}, {"prompts", std::move(linked)}});
  }));
  return {};
}

}  // namespace millrace::traces
