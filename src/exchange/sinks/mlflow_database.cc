#include "exchange/sinks/mlflow_database.h"

#include <sqlite3.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "core/embedded.h"
#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"
#include "exchange/sources/source.h"

namespace millrace::exchange {
namespace {

constexpr int64_t kMadeHere = 0x4d524578;  // "MREx", as the application id: MLflow gives none

Error sqlite_error(sqlite3* database, int code) {
  const auto message =
      fmt::format("the new database: {}", database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_FULL: return Error{Code::unavailable, message}.hint("free some room on the disk and run it again");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Error{Code::unavailable, message}.hint("another process has it open");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return Error{Code::corrupt, message}.hint("remove the folder and run it again");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY: return Error{Code::denied, message};
    default: return Error{Code::internal, message};
  }
}

int bind(sqlite3_stmt* statement, int at, const store::Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, at, *integer);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, at, *real);
  if (const auto* text = std::get_if<std::string>(&value))
    return sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  return sqlite3_bind_null(statement, at);
}

int64_t number_of(const std::string& experiment) { return std::strtoll(experiment.c_str(), nullptr, 10); }

// An id of 32 digits that follows from what it names, so that writing again gives the same.
std::string uuid_of(const std::string& what) { return digest_of(what).substr(7, 32); }

std::string dataset_uuid(const std::string& experiment, const std::string& name, const std::string& digest) {
  return uuid_of(fmt::format("{}\n{}\n{}", experiment, name, digest));
}

int64_t model_status(const std::string& status) {
  if (status == "LOGGED_MODEL_READY") return 2;
  return status == "LOGGED_MODEL_UPLOAD_FAILED" ? 3 : 1;
}

store::Value text_or_null(const std::string& text) { return text.empty() ? store::Value(nullptr) : store::Value(text); }

}  // namespace

Result<std::unique_ptr<MlflowDatabase>> MlflowDatabase::open(const std::string& folder) {
  const auto path = folder + "/mlflow.db";
  const bool fresh = !exists(path);
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<MlflowDatabase> out(new MlflowDatabase(folder, database));
  if (code != SQLITE_OK) return sqlite_error(database, code).at({.file = path});
  sqlite3_busy_timeout(database, 10'000);
  if (!fresh) {
    MILLRACE_TRY(const auto id, out->query("PRAGMA application_id", {}));
    MILLRACE_TRY(const auto tables, out->query("SELECT count(*) FROM sqlite_schema", {}));
    if (tables.at(0).integer(0) > 0 && id.at(0).integer(0) != kMadeHere)
      return Error{Code::conflict, "there is another database already"}
          .at({.file = path})
          .hint("give a folder that does not exist yet");
  }
  MILLRACE_DO(out->make());
  MILLRACE_DO(make_folders(out->folders().front(), 0755));
  return out;
}

MlflowDatabase::~MlflowDatabase() { sqlite3_close(database_); }

Result<void> MlflowDatabase::make() {
  return as_one([&]() -> Result<void> {
    MILLRACE_TRY(const auto tables, query("SELECT count(*) FROM sqlite_schema", {}));
    if (tables.at(0).integer(0) > 0) return {};
    const auto schema = core::embedded("exchange/embed/mlflow_schema.sql");
    if (!schema) return Error{Code::internal, "the schema of MLflow's database is missing"};
    MILLRACE_DO(script(std::string(*schema)));
    MILLRACE_DO(execute("INSERT INTO workspaces (name, description) VALUES ('default', '')", {}));
    return script(fmt::format("PRAGMA application_id = {}", kMadeHere));
  });
}

Result<void> MlflowDatabase::script(const std::string& sql) {
  if (const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK)
    return sqlite_error(database_, code);
  return {};
}

Result<store::Rows> MlflowDatabase::query(const std::string& sql, const store::Values& values) {
  sqlite3_stmt* made = nullptr;
  const int prepared = sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &made, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(made, &sqlite3_finalize);
  if (prepared != SQLITE_OK) return sqlite_error(database_, prepared);
  for (size_t i = 0; i < values.size(); ++i)
    if (const int code = bind(made, static_cast<int>(i + 1), values[i]); code != SQLITE_OK)
      return sqlite_error(database_, code);
  store::Rows rows;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(made)) == SQLITE_ROW)
    rows.emplace_back(store::Values{int64_t{sqlite3_column_int64(made, 0)}});
  if (code != SQLITE_DONE) return sqlite_error(database_, code);
  return rows;
}

Result<void> MlflowDatabase::execute(const std::string& sql, const store::Values& values) {
  MILLRACE_TRY(const auto rows, query(sql, values));
  (void)rows;
  return {};
}

Result<void> MlflowDatabase::as_one(const std::function<Result<void>()>& work) {
  MILLRACE_DO(script("BEGIN IMMEDIATE"));
  auto done = work();
  if (done) done = script("COMMIT");
  if (!done) (void)script("ROLLBACK");
  return done;
}

std::string MlflowDatabase::path(const std::string& folder) const { return folder_ + "/artifacts/" + folder; }
std::string MlflowDatabase::location(const std::string& folder) const { return path(folder); }
std::vector<std::string> MlflowDatabase::folders() const { return {folder_ + "/artifacts"}; }
Result<std::unique_ptr<Source>> MlflowDatabase::read() const { return open_source(folder_ + "/mlflow.db", "default"); }

Result<bool> MlflowDatabase::has_run(const track::RunInfo& run) {
  MILLRACE_TRY(const auto rows, query("SELECT 1 FROM runs WHERE run_uuid = ?", {run.id}));
  return !rows.empty();
}

Result<void> MlflowDatabase::put(const track::Experiment& experiment) {
  if (experiment.id.find_first_not_of("0123456789") != std::string::npos)
    return Error{Code::unsupported, fmt::format("the id of experiment '{}' is no number", experiment.id)}.hint(
        "MLflow's databases number experiments");
  return as_one([&]() -> Result<void> {
    const auto id = number_of(experiment.id);
    MILLRACE_DO(
        execute("INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, "
                "creation_time, last_update_time, workspace) VALUES (?, ?, ?, ?, ?, ?, 'default') "
                "ON CONFLICT (experiment_id) DO UPDATE SET name = excluded.name, lifecycle_stage = "
                "excluded.lifecycle_stage, last_update_time = excluded.last_update_time",
                {id, experiment.name, path(experiment.id), experiment.lifecycle_stage, experiment.creation_time,
                 experiment.last_update_time}));
    MILLRACE_DO(execute("DELETE FROM experiment_tags WHERE experiment_id = ?", {id}));
    for (const auto& tag : experiment.tags)
      MILLRACE_DO(execute("INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?)",
                          {tag.key, tag.value, id}));
    return {};
  });
}

Result<void> MlflowDatabase::put(const track::Run& run, const EachKey& each_key) {
  return as_one([&]() -> Result<void> {
    MILLRACE_DO(put_rows(run));
    MILLRACE_DO(put_inputs(run));
    MILLRACE_DO(each_key([&](const std::string& key, const std::vector<Point>& points) -> Result<void> {
      for (const auto& point : points) {
        const bool is_nan = std::isnan(point.value);
        MILLRACE_DO(execute(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, "
            "?) ON CONFLICT DO NOTHING",
            {key, is_nan ? 0.0 : point.value, point.timestamp, run.info.id, point.step, int64_t{is_nan ? 1 : 0}}));
      }
      return {};
    }));
    FAULT_POINT("exchange.export.run");
    return {};
  });
}

Result<void> MlflowDatabase::put_rows(const track::Run& run) {
  const auto& info = run.info;
  const auto end = info.end_time ? store::Value(*info.end_time) : store::Value(nullptr);
  const auto deleted =
      info.lifecycle_stage == "deleted" ? store::Value(info.end_time.value_or(info.start_time)) : store::Value(nullptr);
  MILLRACE_DO(execute(
      "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, "
      "end_time, deleted_time, source_version, lifecycle_stage, artifact_uri, experiment_id) VALUES (?, ?, 'UNKNOWN', "
      "'', '', ?, ?, ?, ?, ?, '', ?, ?, ?)",
      {info.id, info.name, info.user_id, info.status, info.start_time, end, deleted, info.lifecycle_stage,
       info.artifact_uri, number_of(info.experiment_id)}));
  for (const auto& param : run.params)
    MILLRACE_DO(
        execute("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", {param.key, param.value, info.id}));
  for (const auto& tag : run.tags)
    MILLRACE_DO(execute("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", {tag.key, tag.value, info.id}));
  for (const auto& latest : run.metrics) {
    const bool is_nan = std::isnan(latest.value);
    MILLRACE_DO(execute(
        "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, "
        "?, ?)",
        {latest.key, is_nan ? 0.0 : latest.value, latest.timestamp, latest.step, int64_t{is_nan ? 1 : 0}, info.id}));
  }
  return {};
}

Result<void> MlflowDatabase::put_inputs(const track::Run& run) {
  const auto& id = run.info.id;
  const auto link = [&](const std::string& from_kind, const std::string& from, const std::string& to_kind,
                        const std::string& to, int64_t step) -> Result<std::string> {
    const auto uuid = uuid_of(fmt::format("{}\n{}\n{}\n{}", from_kind, from, to_kind, to));
    MILLRACE_DO(
        execute("INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id, step) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                {uuid, from_kind, from, to_kind, to, step}));
    return uuid;
  };
  for (const auto& input : run.datasets) {
    const auto& set = input.dataset;
    const auto uuid = dataset_uuid(run.info.experiment_id, set.name, set.digest);
    MILLRACE_DO(
        execute("INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, "
                "dataset_source, dataset_schema, dataset_profile) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                {uuid, number_of(run.info.experiment_id), set.name, set.digest, set.source_type, set.source, set.schema,
                 set.profile}));
    MILLRACE_TRY(const auto linked, link("DATASET", uuid, "RUN", id, 0));
    for (const auto& tag : input.tags)
      MILLRACE_DO(execute("INSERT INTO input_tags (input_uuid, name, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                          {linked, tag.key, tag.value}));
  }
  for (const auto& model : run.model_inputs) {
    MILLRACE_TRY(const auto linked, link("RUN_INPUT", id, "MODEL_INPUT", model, 0));
    (void)linked;
  }
  for (const auto& model : run.model_outputs) {
    MILLRACE_TRY(const auto linked, link("RUN_OUTPUT", id, "MODEL_OUTPUT", model.model_id, model.step));
    (void)linked;
  }
  return {};
}

Result<void> MlflowDatabase::put(const track::LoggedModel& model) {
  return as_one([&]() -> Result<void> {
    const auto experiment = number_of(model.experiment_id);
    for (const char* table : {"logged_model_metrics", "logged_model_params", "logged_model_tags", "logged_models"})
      MILLRACE_DO(execute(fmt::format("DELETE FROM {} WHERE model_id = ?", table), {model.id}));
    MILLRACE_DO(
        execute("INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, "
                "creation_timestamp_ms, last_updated_timestamp_ms, status, lifecycle_stage, model_type, "
                "source_run_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                {model.id, experiment, model.name, model.artifact_uri, model.creation_time, model.last_update_time,
                 model_status(model.status), model.lifecycle_stage, text_or_null(model.model_type),
                 text_or_null(model.source_run_id)}));
    for (const auto& param : model.params)
      MILLRACE_DO(
          execute("INSERT INTO logged_model_params (model_id, experiment_id, param_key, param_value) VALUES (?, "
                  "?, ?, ?)",
                  {model.id, experiment, param.key, param.value}));
    for (const auto& tag : model.tags)
      MILLRACE_DO(
          execute("INSERT INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value) VALUES (?, ?, ?, "
                  "?)",
                  {model.id, experiment, tag.key, tag.value}));
    for (const auto& metric : model.metrics) {
      const bool on_dataset = !metric.dataset_name.empty();
      MILLRACE_DO(execute(
          "INSERT INTO logged_model_metrics (model_id, metric_name, metric_timestamp_ms, metric_step, metric_value, "
          "experiment_id, run_id, dataset_uuid, dataset_name, dataset_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
          "ON CONFLICT DO NOTHING",
          {model.id, metric.key, metric.timestamp, metric.step,
           std::isnan(metric.value) ? store::Value(nullptr) : store::Value(metric.value), experiment, metric.run_id,
           on_dataset ? store::Value(dataset_uuid(model.experiment_id, metric.dataset_name, metric.dataset_digest))
                      : store::Value(nullptr),
           text_or_null(metric.dataset_name), text_or_null(metric.dataset_digest)}));
    }
    return {};
  });
}

Result<void> MlflowDatabase::put(const Registered& model) {
  return as_one([&]() -> Result<void> {
    for (const char* table : {"registered_model_aliases", "registered_model_tags"})
      MILLRACE_DO(execute(fmt::format("DELETE FROM {} WHERE name = ? AND workspace = 'default'", table), {model.name}));
    MILLRACE_DO(
        execute("INSERT INTO registered_models (name, creation_time, last_updated_time, description, workspace) VALUES "
                "(?, ?, ?, ?, 'default') ON CONFLICT (workspace, name) DO UPDATE SET creation_time = "
                "excluded.creation_time, last_updated_time = excluded.last_updated_time, description = "
                "excluded.description",
                {model.name, model.created, model.updated, text_or_null(model.description)}));
    for (const auto& tag : model.tags)
      MILLRACE_DO(execute("INSERT INTO registered_model_tags (key, value, name, workspace) VALUES (?, ?, ?, 'default')",
                          {tag.key, tag.value, model.name}));
    for (const auto& [alias, number] : model.aliases)
      MILLRACE_DO(
          execute("INSERT INTO registered_model_aliases (alias, version, name, workspace) VALUES (?, ?, ?, 'default')",
                  {alias, number, model.name}));
    FAULT_POINT("exchange.export.registered");
    return {};
  });
}

Result<void> MlflowDatabase::put(const Version& version) {
  return as_one([&]() -> Result<void> {
    for (const char* table : {"model_version_tags", "model_versions"})
      MILLRACE_DO(execute(fmt::format("DELETE FROM {} WHERE name = ? AND version = ? AND workspace = 'default'", table),
                          {version.model, version.number}));
    MILLRACE_DO(
        execute("INSERT INTO model_versions (name, version, creation_time, last_updated_time, description, user_id, "
                "current_stage, source, run_id, status, status_message, run_link, storage_location, workspace) VALUES "
                "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, 'default')",
                {version.model, version.number, version.created, version.updated, text_or_null(version.description),
                 text_or_null(version.author), version.stage, version.source, text_or_null(version.run_id),
                 version.status, text_or_null(version.run_link), version.storage}));
    for (const auto& tag : version.tags)
      MILLRACE_DO(
          execute("INSERT INTO model_version_tags (key, value, name, version, workspace) VALUES (?, ?, ?, ?, "
                  "'default')",
                  {tag.key, tag.value, version.model, version.number}));
    FAULT_POINT("exchange.export.version");
    return {};
  });
}

}  // namespace millrace::exchange
