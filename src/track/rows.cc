#include "track/rows.h"

#include <limits>
#include <unordered_map>

#include <fmt/format.h>

#include "track/frozen.h"
#include "track/run_rows.h"
#include "track/search/query.h"

namespace millrace::track {
namespace {

constexpr size_t kAtOnce = 256;  // ids in one statement

RunInfo to_run_info(const store::Row& row) {
  return {.id = row.text(0),
          .name = row.text(1),
          .experiment_id = row.text(2),
          .user_id = row.text(3),
          .status = row.text(4),
          .start_time = row.integer(5),
          .end_time = row.is_null(6) ? std::optional<int64_t>() : row.integer(6),
          .artifact_uri = row.text(7),
          .lifecycle_stage = row.text(8)};
}
constexpr std::string_view kRunColumns =
    "id, name, experiment_id, user_id, status, start_time, end_time, artifact_uri, lifecycle_stage";

LoggedModel to_model(const store::Row& row) {
  return {.id = row.text(0),
          .experiment_id = row.text(1),
          .name = row.text(2),
          .artifact_uri = row.text(3),
          .status = row.text(4),
          .model_type = row.text(5),
          .source_run_id = row.text(6),
          .lifecycle_stage = row.text(7),
          .creation_time = row.integer(8),
          .last_update_time = row.integer(9),
          .tags = {},
          .params = {},
          .metrics = {}};
}
constexpr std::string_view kModelColumns =
    "id, experiment_id, name, artifact_uri, status, model_type, source_run_id, lifecycle_stage, creation_time, "
    "last_update_time";

// Runs one statement for a slice of ids and hands each row to the thing that its first column names.
template <class Thing>
class Filler {
 public:
  Filler(store::Session& session, const std::string& workspace, std::vector<Thing>& things,
         std::vector<std::string> ids)
      : session_(session), workspace_(workspace), ids_(std::move(ids)) {
    for (auto& thing : things) by_id_.emplace(id_of(thing), &thing);
  }

  // `columns` begin with the owner; `from` is the table that has it, as f, and what is joined to it.
  template <class Take>
  Result<void> each(std::string_view columns, std::string_view from, std::string_view owner, std::string_view order,
                    Take take) {
    store::Values values;
    auto sql = with_wanted(ids_, values);
    values.emplace_back(workspace_);
    sql += fmt::format("SELECT {} FROM wanted CROSS JOIN {} WHERE f.workspace = ? AND f.{} = wanted_id ORDER BY {}",
                       columns, from, owner, order);
    MILLRACE_TRY(const auto rows, session_.query(sql, values));
    for (const auto& row : rows)
      if (const auto found = by_id_.find(row.text(0)); found != by_id_.end()) take(*found->second, row);
    return {};
  }

  Result<void> pairs(std::string_view table, std::string_view owner, std::vector<KeyValue> Thing::*into) {
    return each(fmt::format("f.{}, f.key, f.value", owner), fmt::format("{} f", table), owner, "f.key",
                [&](Thing& thing, const store::Row& row) {
                  (thing.*into).push_back({row.text(1), row.text(2)});
                });
  }

 private:
  static const std::string& id_of(const Run& run) { return run.info.id; }
  static const std::string& id_of(const LoggedModel& model) { return model.id; }
  static const std::string& id_of(const Experiment& experiment) { return experiment.id; }

  store::Session& session_;
  const std::string& workspace_;
  std::vector<std::string> ids_;
  std::unordered_map<std::string, Thing*> by_id_;
};

Result<void> fill_datasets(Filler<Run>& filler) {
  MILLRACE_DO(filler.each(
      "f.run_id, d.name, d.digest, d.source_type, d.source, d.dataset_schema, d.profile",
      "track_run_datasets f JOIN track_runs r ON r.workspace = f.workspace AND r.id = f.run_id "
      "JOIN track_datasets d ON d.workspace = f.workspace AND d.experiment_id = r.experiment_id AND d.name = f.name "
      "AND d.digest = f.digest",
      "run_id", "f.place", [](Run& run, const store::Row& row) {
        run.datasets.push_back({{row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), row.text(6)}, {}});
      }));
  return filler.each("f.run_id, f.name, f.digest, f.key, f.value", "track_run_dataset_tags f", "run_id", "f.key",
                     [](Run& run, const store::Row& row) {
                       for (auto& input : run.datasets)
                         if (input.dataset.name == row.text(1) && input.dataset.digest == row.text(2))
                           input.tags.push_back({row.text(3), row.text(4)});
                     });
}

Result<void> fill_models(Filler<Run>& filler) {
  return filler.each("f.run_id, f.direction, f.model_id, f.step", "track_run_models f", "run_id", "f.model_id",
                     [](Run& run, const store::Row& row) {
                       if (row.text(1) == "input")
                         run.model_inputs.push_back(row.text(2));
                       else
                         run.model_outputs.push_back({row.text(2), row.integer(3)});
                     });
}

Result<void> fill(store::Session& session, const std::string& workspace, std::vector<Run>& runs,
                  const std::vector<std::string>& ids) {
  Filler<Run> filler(session, workspace, runs, ids);
  MILLRACE_DO(filler.pairs("track_run_tags", "run_id", &Run::tags));
  MILLRACE_DO(filler.pairs("track_params", "run_id", &Run::params));
  MILLRACE_DO(filler.each(fmt::format("f.run_id, {}", kMetricColumns), "track_latest_metrics f", "run_id", "f.key",
                          [](Run& run, const store::Row& row) { run.metrics.push_back(to_metric(row, 1)); }));
  MILLRACE_DO(fill_datasets(filler));
  return fill_models(filler);
}

Result<void> fill(store::Session& session, const std::string& workspace, std::vector<LoggedModel>& models,
                  const std::vector<std::string>& ids) {
  Filler<LoggedModel> filler(session, workspace, models, ids);
  MILLRACE_DO(filler.pairs("track_model_tags", "model_id", &LoggedModel::tags));
  MILLRACE_DO(filler.pairs("track_model_params", "model_id", &LoggedModel::params));
  return filler.each(fmt::format("f.model_id, {}", kMetricColumns), "track_model_metrics f", "model_id",
                     "f.key, f.timestamp, f.step",
                     [](LoggedModel& model, const store::Row& row) { model.metrics.push_back(to_metric(row, 1)); });
}

Result<void> fill(store::Session& session, const std::string& workspace, std::vector<Experiment>& experiments,
                  const std::vector<std::string>& ids) {
  return Filler<Experiment>(session, workspace, experiments, ids)
      .pairs("track_experiment_tags", "experiment_id", &Experiment::tags);
}

template <class Thing, class To>
Result<std::vector<Thing>> load_all(store::Session& session, const std::string& workspace,
                                    const std::vector<std::string>& ids, std::string_view columns,
                                    std::string_view table, To to) {
  std::vector<Thing> out;
  for (size_t from = 0; from < ids.size(); from += kAtOnce) {
    const std::vector<std::string> slice(
        ids.begin() + static_cast<std::ptrdiff_t>(from),
        ids.begin() + static_cast<std::ptrdiff_t>(std::min(from + kAtOnce, ids.size())));
    store::Values values;
    auto sql = with_wanted(slice, values);
    values.emplace_back(workspace);
    sql += fmt::format("SELECT {} FROM wanted CROSS JOIN {} WHERE workspace = ? AND id = wanted_id", columns, table);
    MILLRACE_TRY(const auto rows, session.query(sql, values));
    std::unordered_map<std::string, const store::Row*> by_id;
    for (const auto& row : rows) by_id.emplace(row.text(0), &row);
    std::vector<Thing> things;
    for (const auto& id : slice)
      if (const auto found = by_id.find(id); found != by_id.end()) things.push_back(to(*found->second));
    MILLRACE_DO(fill(session, workspace, things, slice));
    std::move(things.begin(), things.end(), std::back_inserter(out));
  }
  return out;
}

}  // namespace

Metric to_metric(const store::Row& row, size_t first) {
  return {.key = row.text(first),
          .value = row.integer(first + 2) != 0 ? std::numeric_limits<double>::quiet_NaN() : row.real(first + 1),
          .timestamp = row.integer(first + 3),
          .step = row.integer(first + 4),
          .model_id = row.text(first + 5),
          .dataset_name = row.text(first + 6),
          .dataset_digest = row.text(first + 7),
          .run_id = row.text(first + 8)};
}

Result<Experiment> load_experiment(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(auto found, load_experiments(session, workspace, {id}));
  if (found.empty()) return Error{Code::not_found, fmt::format("No Experiment with id={} exists", id)};
  return std::move(found.front());
}

Result<std::vector<Experiment>> load_experiments(store::Session& session, const std::string& workspace,
                                                 const std::vector<std::string>& ids) {
  return load_all<Experiment>(
      session, workspace, ids, "id, name, artifact_location, lifecycle_stage, creation_time, last_update_time",
      "track_experiments", [](const store::Row& row) {
        return Experiment{row.text(0), row.text(1), row.text(2), row.text(3), row.integer(4), row.integer(5), {}};
      });
}

Result<RunInfo> load_run_info(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(const auto row,
               session.first(fmt::format("SELECT {} FROM track_runs WHERE workspace = ? AND id = ?", kRunColumns),
                             {workspace, id}));
  if (!row) return Error{Code::not_found, fmt::format("Run with id={} not found", id)};
  return to_run_info(*row);
}

Result<std::map<std::string, RunInfo>> load_run_infos(store::Session& session, const std::string& workspace,
                                                      const std::vector<std::string>& ids) {
  std::map<std::string, RunInfo> out;
  if (ids.empty()) return out;
  store::Values values;
  const auto sql = with_wanted(ids, values);
  values.emplace_back(workspace);
  MILLRACE_TRY(const auto rows, session.query(fmt::format("{}SELECT {} FROM wanted CROSS JOIN track_runs WHERE "
                                                          "workspace = ? AND id = wanted_id",
                                                          sql, kRunColumns),
                                              values));
  for (const auto& row : rows) out.emplace(row.text(0), to_run_info(row));
  return out;
}

Result<Run> load_run_inputs(store::Session& session, const std::string& workspace, const RunInfo& info) {
  std::vector<Run> runs(1);
  runs[0].info = info;
  Filler<Run> filler(session, workspace, runs, {info.id});
  MILLRACE_DO(fill_datasets(filler));
  MILLRACE_DO(fill_models(filler));
  return std::move(runs[0]);
}

Result<LoggedModel> load_model(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(auto found, load_models(session, workspace, {id}));
  if (found.empty()) return Error{Code::not_found, fmt::format("Logged model with ID '{}' not found.", id)};
  return std::move(found.front());
}

Result<std::vector<Run>> load_runs(store::Session& session, const std::string& workspace,
                                   const std::vector<std::string>& ids) {
  return load_all<Run>(session, workspace, ids, kRunColumns, "track_runs", [](const store::Row& row) {
    Run run;
    run.info = to_run_info(row);
    return run;
  });
}

Result<std::vector<LoggedModel>> load_models(store::Session& session, const std::string& workspace,
                                             const std::vector<std::string>& ids) {
  return load_all<LoggedModel>(session, workspace, ids, kModelColumns, "track_models", to_model);
}

Result<void> check_active(const Experiment& experiment) {
  if (experiment.lifecycle_stage == "active") return {};
  return Error{Code::invalid, fmt::format("The experiment {} must be in the 'active' state. Current state is {}.",
                                          experiment.id, experiment.lifecycle_stage)};
}

Result<void> check_active(const RunInfo& run) {
  if (run.lifecycle_stage == "active") return {};
  return Error{Code::invalid, fmt::format("The run {} must be in the 'active' state. Current state is {}.", run.id,
                                          run.lifecycle_stage)};
}

Result<RunInfo> writable_run(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(auto run, load_run_info(session, workspace, id));
  MILLRACE_DO(check_active(run));
  MILLRACE_DO(check_not_frozen(session, workspace, run));
  return run;
}

Result<void> store_pair(store::Session& session, std::string_view table, std::string_view owner,
                        const std::string& workspace, const std::string& id, const KeyValue& pair) {
  MILLRACE_TRY(const auto done,
               session.execute(fmt::format("INSERT INTO {0} (workspace, {1}, key, value) VALUES (?, ?, ?, ?) "
                                           "ON CONFLICT (workspace, {1}, key) DO UPDATE SET value = excluded.value",
                                           table, owner),
                               {workspace, id, pair.key, pair.value}));
  (void)done;
  return {};
}

Result<bool> remove_pair(store::Session& session, std::string_view table, std::string_view owner,
                         const std::string& workspace, const std::string& id, const std::string& key) {
  MILLRACE_TRY(const auto removed,
               session.execute(fmt::format("DELETE FROM {} WHERE workspace = ? AND {} = ? AND key = ?", table, owner),
                               {workspace, id, key}));
  return removed > 0;
}

}  // namespace millrace::track
