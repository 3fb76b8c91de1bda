#include "track/importing.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/json.h"
#include "track/frozen.h"
#include "track/names.h"
#include "track/rows.h"

namespace millrace::track {
namespace {

constexpr size_t kCountedDigits = 9;  // longer ids are no numbers that this server would ever give

Result<void> execute(store::Session& session, std::string_view sql, const store::Values& values) {
  MILLRACE_TRY(const auto done, session.execute(sql, values));
  (void)done;
  return {};
}

Result<bool> is_there(store::Session& session, std::string_view table, const std::string& workspace,
                      const std::string& id) {
  MILLRACE_TRY(const auto row,
               session.first(fmt::format("SELECT 1 FROM {} WHERE workspace = ? AND id = ?", table), {workspace, id}));
  return row.has_value();
}

// Numbers that come from elsewhere are never given again here.
Result<void> raise_counter(store::Session& session, const std::string& workspace, const std::string& id) {
  const bool counted =
      id.size() <= kCountedDigits && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!counted) return {};
  return execute(session,
                 "INSERT INTO track_counters (workspace, name, value) VALUES (?, 'experiment', ?) "
                 "ON CONFLICT (workspace, name) DO UPDATE SET value = excluded.value "
                 "WHERE excluded.value > track_counters.value",
                 {workspace, int64_t{std::stoi(id)}});
}

Result<std::string> settle_id(store::Session& session, const std::string& workspace, const std::string& wanted) {
  MILLRACE_TRY(const bool taken, is_there(session, "track_experiments", workspace, wanted));
  if (!taken && wanted != "0") {
    MILLRACE_DO(raise_counter(session, workspace, wanted));
    return wanted;
  }
  MILLRACE_TRY(const auto number, next_experiment_number(session, workspace));
  return std::to_string(number);
}

Result<void> check_pairs(const std::vector<KeyValue>& pairs, Result<void> (*check)(const KeyValue&)) {
  for (const auto& pair : pairs) MILLRACE_DO(check(pair));
  return {};
}

// Only the key: a value may be longer than what a client may send today.
Result<void> check_tag_key(const KeyValue& tag) { return check_tag({tag.key, ""}, "tags."); }
Result<void> check_param_key(const KeyValue& param) { return check_param({param.key, ""}, "params."); }

// When it is deleted here; when it was elsewhere is not known.
int64_t deleted_at(const std::string& stage, const Context& context) { return stage == "deleted" ? context.now() : 0; }

lineage::Change change_of(std::string kind, std::string node, Json body, std::string after = "") {
  return {.kind = std::move(kind),
          .node = std::move(node),
          .before = "",
          .after = std::move(after),
          .why = "",
          .body = std::move(body)};
}

Result<void> store_pairs(store::Session& session, std::string_view table, std::string_view owner,
                         const std::string& workspace, const std::string& id, const std::vector<KeyValue>& pairs) {
  for (const auto& pair : pairs) MILLRACE_DO(store_pair(session, table, owner, workspace, id, pair));
  return {};
}

Result<void> store_models(store::Session& session, const std::string& workspace, const Run& run,
                          lineage::Change& change) {
  constexpr std::string_view sql =
      "INSERT INTO track_run_models (workspace, run_id, direction, model_id, step) VALUES (?, ?, ?, ?, ?) "
      "ON CONFLICT (workspace, run_id, direction, model_id) DO UPDATE SET step = excluded.step";
  const auto edge = [&](std::string from, std::string to, std::string kind) {
    change.edges.push_back({.source = std::move(from),
                            .target = std::move(to),
                            .kind = std::move(kind),
                            .columns = {},
                            .run = run.info.id});
  };
  for (const auto& model : run.model_inputs) {
    MILLRACE_DO(execute(session, sql, {workspace, run.info.id, std::string("input"), model, int64_t{0}}));
    edge("artifact:" + model, run.info.node(), "used_by");
  }
  for (const auto& model : run.model_outputs) {
    MILLRACE_DO(execute(session, sql, {workspace, run.info.id, std::string("output"), model.model_id, model.step}));
    edge(run.info.node(), "artifact:" + model.model_id, "logged_by");
  }
  return {};
}

Result<void> put_run(store::Session& session, const std::string& workspace, const RunInfo& run, int64_t now) {
  return execute(session,
                 "INSERT INTO track_runs (workspace, id, experiment_id, name, user_id, status, start_time, end_time, "
                 "artifact_uri, lifecycle_stage, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?) "
                 "ON CONFLICT (workspace, id) DO UPDATE SET name = excluded.name, user_id = excluded.user_id, status = "
                 "excluded.status, start_time = excluded.start_time, end_time = excluded.end_time, artifact_uri = "
                 "excluded.artifact_uri, lifecycle_stage = 'active', deleted_at = 0",
                 {workspace, run.id, run.experiment_id, run.name, run.user_id, run.status, run.start_time,
                  run.end_time ? store::Value(*run.end_time) : store::Value(nullptr), run.artifact_uri, now});
}

}  // namespace

Result<std::string> Importing::add_experiment(
    const Caller& caller, const Experiment& experiment,
    const std::function<Result<void>(store::Session&, const std::string& id)>& also) {
  MILLRACE_DO(check_experiment_id(experiment.id));
  MILLRACE_DO(check_experiment_name(experiment.name));
  MILLRACE_DO(check_pairs(experiment.tags, [](const KeyValue& tag) { return check_experiment_tag({tag.key, ""}); }));
  std::string id;
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(id, settle_id(session, caller.workspace, experiment.id));
    MILLRACE_TRY(
        const auto added,
        session.execute(
            "INSERT INTO track_experiments (workspace, id, name, artifact_location, lifecycle_stage, "
            "creation_time, last_update_time, deleted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (workspace, name) DO NOTHING",
            {caller.workspace, id, experiment.name, "mlflow-artifacts:/" + id, experiment.lifecycle_stage,
             experiment.creation_time, experiment.last_update_time, deleted_at(experiment.lifecycle_stage, context_)}));
    if (added == 0) return Error{Code::conflict, fmt::format("Experiment(name={}) already exists.", experiment.name)};
    MILLRACE_DO(store_pairs(session, "track_experiment_tags", "experiment_id", caller.workspace, id, experiment.tags));
    MILLRACE_DO(also(session, id));
    return change_of("experiment.imported", "",
                     {{"experiment_id", id}, {"name", experiment.name}, {"was", experiment.id}});
  }));
  (void)line;
  return id;
}

Result<void> Importing::add_experiment_tags(const Caller& caller, const Experiment& experiment, const Also& also) {
  MILLRACE_DO(check_pairs(experiment.tags, [](const KeyValue& tag) { return check_experiment_tag({tag.key, ""}); }));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto here, load_experiment(session, caller.workspace, experiment.id));
    Json added = Json::array();
    for (const auto& tag : experiment.tags) {
      MILLRACE_TRY(const auto rows,
                   session.execute("INSERT INTO track_experiment_tags (workspace, experiment_id, key, value) "
                                   "VALUES (?, ?, ?, ?) ON CONFLICT (workspace, experiment_id, key) DO NOTHING",
                                   {caller.workspace, here.id, tag.key, tag.value}));
      if (rows != 0) added.push_back(tag.key);
    }
    MILLRACE_DO(also(session));
    return change_of("experiment.merged", "", {{"experiment_id", here.id}, {"tags", std::move(added)}});
  }));
  (void)line;
  return {};
}

Result<void> Importing::begin_run(const Caller& caller, const Run& run, const Also& also) {
  MILLRACE_DO(check_run_id(run.info.id));
  MILLRACE_DO(check_status(run.info.status));
  MILLRACE_DO(check_pairs(run.tags, check_tag_key));
  MILLRACE_DO(check_pairs(run.params, check_param_key));
  MILLRACE_DO(check_datasets(run.datasets));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    auto info = run.info;
    MILLRACE_TRY(const auto experiment, load_experiment(session, caller.workspace, info.experiment_id));
    MILLRACE_TRY(const bool there, is_there(session, "track_runs", caller.workspace, info.id));
    if (there) {
      MILLRACE_TRY(const auto here, load_run_info(session, caller.workspace, info.id));
      MILLRACE_DO(check_not_frozen(session, caller.workspace, here));
    }
    if (info.artifact_uri.empty())
      info.artifact_uri = fmt::format("{}/{}/artifacts", experiment.artifact_location, info.id);
    MILLRACE_DO(put_run(session, caller.workspace, info, context_.now() / 1000));
    MILLRACE_DO(store_pairs(session, "track_run_tags", "run_id", caller.workspace, info.id, run.tags));
    MILLRACE_DO(store_pairs(session, "track_params", "run_id", caller.workspace, info.id, run.params));
    auto change = change_of("run.import_begun", info.node(),
                            {{"experiment_id", info.experiment_id}, {"name", info.name}, {"datasets", Json::array()}});
    change.nodes.push_back(
        {.id = info.node(),
         .digest = "",
         .attributes = {{"name", info.name}, {"experiment_id", info.experiment_id}, {"experiment", experiment.name}}});
    MILLRACE_DO(store_datasets(session, caller.workspace, info, run.datasets, UnknownVersion::own_node, change));
    MILLRACE_DO(store_models(session, caller.workspace, run, change));
    MILLRACE_DO(also(session));
    return change;
  }));
  (void)line;
  return {};
}

Result<void> Importing::end_run(const Caller& caller, const RunInfo& run, const std::string& digest, const Also& also) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto here, load_run_info(session, caller.workspace, run.id));
    MILLRACE_DO(execute(session,
                        "UPDATE track_runs SET name = ?, status = ?, end_time = ?, lifecycle_stage = ?, deleted_at = ? "
                        "WHERE workspace = "
                        "? AND id = ?",
                        {run.name, run.status, run.end_time ? store::Value(*run.end_time) : store::Value(nullptr),
                         run.lifecycle_stage, deleted_at(run.lifecycle_stage, context_), caller.workspace, here.id}));
    MILLRACE_DO(also(session));
    return change_of("run.imported", here.node(),
                     {{"experiment_id", here.experiment_id}, {"status", run.status}, {"state", run.lifecycle_stage}},
                     digest);
  }));
  (void)line;
  return {};
}

Result<void> Importing::put_model(const Caller& caller, const LoggedModel& model, const std::string& digest,
                                  const Also& also) {
  if (!model.id.starts_with("m-") || !check_run_id(model.id))
    return Error{Code::invalid, fmt::format("'{}' is not the id of a logged model", model.id.substr(0, 250))};
  MILLRACE_DO(check_pairs(model.tags, check_tag_key));
  MILLRACE_DO(check_pairs(model.params, check_param_key));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto experiment, load_experiment(session, caller.workspace, model.experiment_id));
    MILLRACE_DO(check_not_frozen(session, caller.workspace, model));
    const auto uri = model.artifact_uri.empty()
                         ? fmt::format("{}/models/{}/artifacts", experiment.artifact_location, model.id)
                         : model.artifact_uri;
    MILLRACE_DO(
        execute(session,
                "INSERT INTO track_models (workspace, id, experiment_id, name, artifact_uri, status, model_type, "
                "source_run_id, lifecycle_stage, creation_time, last_update_time, deleted_at) VALUES (?, ?, ?, ?, ?, "
                "?, ?, ?, ?, "
                "?, ?, ?) "
                "ON CONFLICT (workspace, id) DO UPDATE SET name = excluded.name, artifact_uri = excluded.artifact_uri, "
                "status = excluded.status, model_type = excluded.model_type, source_run_id = excluded.source_run_id, "
                "lifecycle_stage = excluded.lifecycle_stage, deleted_at = excluded.deleted_at, creation_time = "
                "excluded.creation_time, last_update_time = "
                "excluded.last_update_time",
                {caller.workspace, model.id, model.experiment_id, model.name, uri, model.status, model.model_type,
                 model.source_run_id, model.lifecycle_stage, model.creation_time, model.last_update_time,
                 deleted_at(model.lifecycle_stage, context_)}));
    MILLRACE_DO(store_pairs(session, "track_model_tags", "model_id", caller.workspace, model.id, model.tags));
    MILLRACE_DO(store_pairs(session, "track_model_params", "model_id", caller.workspace, model.id, model.params));
    auto change = change_of("logged_model.imported", model.node(),
                            {{"name", model.name}, {"source_run_id", model.source_run_id}}, digest);
    change.nodes.push_back({.id = model.node(),
                            .digest = "",
                            .attributes = {{"name", model.name}, {"experiment_id", model.experiment_id}}});
    if (!model.source_run_id.empty())
      change.edges.push_back({.source = "run:" + model.source_run_id,
                              .target = model.node(),
                              .kind = "logged_by",
                              .columns = {},
                              .run = model.source_run_id});
    MILLRACE_DO(also(session));
    return change;
  }));
  (void)line;
  return {};
}

Result<bool> Importing::has_run(const Caller& caller, const std::string& id) const {
  bool there = false;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(there, is_there(session, "track_runs", caller.workspace, id));
    return {};
  }));
  return there;
}

Result<bool> Importing::has_model(const Caller& caller, const std::string& id) const {
  bool there = false;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(there, is_there(session, "track_models", caller.workspace, id));
    return {};
  }));
  return there;
}

}  // namespace millrace::track
