#include <algorithm>

#include <fmt/format.h>

#include "core/hash.h"
#include "core/json.h"
#include "track/frozen.h"
#include "track/names.h"
#include "track/rows.h"
#include "track/search/query.h"
#include "track/tracking.h"

namespace millrace::track {
namespace {

lineage::Change change_of(const std::string& kind, const RunInfo& run, Json body = Json::object()) {
  body["experiment_id"] = run.experiment_id;
  return {.kind = "run." + kind, .node = run.node(), .before = "", .after = "", .why = "", .body = std::move(body)};
}

// The name and the tag mlflow.runName are one thing: both given must agree, none given is made up.
Result<std::string> settle_name(const NewRun& wanted, std::vector<KeyValue>& tags, Random& random) {
  const auto tag = std::find_if(tags.begin(), tags.end(), [](const auto& each) { return each.key == kRunNameTag; });
  if (tag != tags.end() && !wanted.name.empty() && tag->value != wanted.name)
    return Error{
        Code::invalid,
        fmt::format("Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
                    "(run_name='{}', mlflow.runName='{}').",
                    wanted.name, tag->value)};
  auto name = wanted.name;
  if (name.empty() && tag != tags.end()) name = tag->value;
  if (name.empty()) name = make_name(random);
  if (tag == tags.end())
    tags.push_back({std::string(kRunNameTag), name});
  else
    tag->value = name;
  return name;
}

Result<void> insert_run(store::Session& session, const std::string& workspace, const RunInfo& run, int64_t now) {
  MILLRACE_TRY(const auto done,
               session.execute(
                   "INSERT INTO track_runs (workspace, id, experiment_id, name, user_id, status, start_time, end_time, "
                   "artifact_uri, lifecycle_stage, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?)",
                   {workspace, run.id, run.experiment_id, run.name, run.user_id, run.status, run.start_time,
                    run.artifact_uri, run.lifecycle_stage, now}));
  (void)done;
  return {};
}

Result<void> set_stage(store::Session& session, const std::string& workspace, const std::string& id,
                       std::string_view stage, Micros deleted_at) {
  MILLRACE_TRY(
      const auto done,
      session.execute("UPDATE track_runs SET lifecycle_stage = ?, deleted_at = ? WHERE workspace = ? AND id = ?",
                      {std::string(stage), deleted_at, workspace, id}));
  (void)done;
  return {};
}

}  // namespace

Result<Run> Tracking::create_run(const Caller& caller, const NewRun& wanted) {
  const std::string experiment_id = wanted.experiment_id.empty() ? "0" : wanted.experiment_id;
  MILLRACE_DO(check_experiment_id(experiment_id));
  if (wanted.start_time < 0)
    return Error{Code::invalid,
                 fmt::format("Invalid value {} for parameter 'start_time' supplied: it must not be negative",
                             wanted.start_time)};
  Run run;
  run.tags = wanted.tags;
  for (size_t i = 0; i < run.tags.size(); ++i) MILLRACE_DO(check_tag(run.tags[i], fmt::format("tags[{}].", i)));
  MILLRACE_TRY(const auto name, settle_name(wanted, run.tags, context_.random));
  MILLRACE_DO(check_tag({std::string(kRunNameTag), name}, "run_name."));
  if (experiment_id == "0") MILLRACE_DO(ensure_default(caller));
  run.info = {.id = make_hex(context_.random, 16),
              .name = name,
              .experiment_id = experiment_id,
              .user_id = wanted.user_id,
              .status = "RUNNING",
              .start_time = wanted.start_time != 0 ? wanted.start_time : now_ms(),
              .end_time = std::nullopt,
              .artifact_uri = "",
              .lifecycle_stage = "active"};
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto experiment, load_experiment(session, caller.workspace, experiment_id));
    MILLRACE_DO(check_active(experiment));
    run.info.artifact_uri = fmt::format("{}/{}/artifacts", experiment.artifact_location, run.info.id);
    MILLRACE_DO(insert_run(session, caller.workspace, run.info, now_ms()));
    for (const auto& tag : run.tags)
      MILLRACE_DO(store_pair(session, "track_run_tags", "run_id", caller.workspace, run.info.id, tag));
    Json tags = Json::object();
    for (const auto& tag : run.tags) tags[tag.key] = tag.value;
    auto change = change_of("created", run.info,
                            {{"name", name}, {"tags", std::move(tags)}, {"start_time", run.info.start_time}});
    change.nodes.push_back(
        {.id = run.info.node(),
         .digest = "",
         .attributes = {{"name", name}, {"experiment_id", experiment_id}, {"experiment", experiment.name}}});
    return change;
  }));
  (void)line;
  return run;
}

Result<Run> Tracking::get_run(const Caller& caller, const std::string& id) {
  MILLRACE_DO(check_run_id(id));
  Run out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto runs, load_runs(session, caller.workspace, {id}));
    if (runs.empty()) return Error{Code::not_found, fmt::format("Run with id={} not found", id)};
    out = std::move(runs.front());
    return {};
  }));
  return out;
}

Result<RunInfo> Tracking::update_run(const Caller& caller, const std::string& id, const RunUpdate& update) {
  MILLRACE_DO(check_run_id(id));
  if (update.status) MILLRACE_DO(check_status(*update.status));
  const bool renamed = update.name && !update.name->empty();
  if (renamed) MILLRACE_DO(check_tag({std::string(kRunNameTag), *update.name}, "run_name."));
  RunInfo run;
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(run, writable_run(session, caller.workspace, id));
    Json body{{"before", {{"name", run.name}, {"status", run.status}}}};
    if (update.status) body["status"] = run.status = *update.status;
    if (update.end_time) body["end_time"] = *(run.end_time = update.end_time);
    if (renamed) body["name"] = run.name = *update.name;
    const store::Value end_time = run.end_time ? store::Value(*run.end_time) : store::Value(nullptr);
    MILLRACE_TRY(
        const auto done,
        session.execute("UPDATE track_runs SET name = ?, status = ?, end_time = ? WHERE workspace = ? AND id = ?",
                        {run.name, run.status, end_time, caller.workspace, id}));
    (void)done;
    if (renamed)
      MILLRACE_DO(
          store_pair(session, "track_run_tags", "run_id", caller.workspace, id, {std::string(kRunNameTag), run.name}));
    return change_of("updated", run, std::move(body));
  }));
  (void)line;
  return run;
}

Result<void> Tracking::delete_run(const Caller& caller, const std::string& id) {
  MILLRACE_DO(check_run_id(id));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto run, load_run_info(session, caller.workspace, id));
    if (run.lifecycle_stage == "deleted") return lineage::Change{};
    MILLRACE_DO(check_run_deletable(session, caller.workspace, id));
    MILLRACE_DO(set_stage(session, caller.workspace, id, "deleted", context_.now()));
    return change_of("deleted", run);
  }));
  (void)line;
  return {};
}

Result<void> Tracking::restore_run(const Caller& caller, const std::string& id) {
  MILLRACE_DO(check_run_id(id));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto run, load_run_info(session, caller.workspace, id));
    if (run.lifecycle_stage == "active") return lineage::Change{};
    MILLRACE_DO(set_stage(session, caller.workspace, id, "active", 0));
    return change_of("restored", run);
  }));
  (void)line;
  return {};
}

Result<Page<Run>> Tracking::search_runs(const Caller& caller, const Search& search) {
  MILLRACE_DO(check_page(search.max_results, bounds::page_runs));
  Page<Run> page;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto found, find_ids(session, runs_subject, caller.workspace, search));
    page.next = std::move(found.next);
    MILLRACE_TRY(page.items, load_runs(session, caller.workspace, found.ids));
    return {};
  }));
  return page;
}

}  // namespace millrace::track
