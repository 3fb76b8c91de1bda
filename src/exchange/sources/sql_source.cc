#include "exchange/sources/sql_source.h"

#include <cstdlib>
#include <limits>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/limits.h"
#include "core/limits/exchange_limits.h"
#include "exchange/points.h"

namespace millrace::exchange {
namespace {

using store::Row;
using Columns = std::set<std::string>;

constexpr std::string_view kDeletedStage = "Deleted_Internal";

struct Needed {
  std::string_view table;
  std::vector<std::string> columns;
};

// Without these it is no tracking database.
const std::vector<Needed>& needed() {
  static const std::vector<Needed> all = {{"experiments", {"experiment_id", "name", "lifecycle_stage"}},
                                          {"runs",
                                           {"run_uuid", "name", "user_id", "status", "start_time", "end_time",
                                            "lifecycle_stage", "artifact_uri", "experiment_id"}},
                                          {"metrics", {"key", "value", "timestamp", "run_uuid"}},
                                          {"params", {"key", "value", "run_uuid"}},
                                          {"tags", {"key", "value", "run_uuid"}}};
  return all;
}

std::string status_of_model(int64_t number) {
  switch (number) {
    case 2: return "LOGGED_MODEL_READY";
    case 3: return "LOGGED_MODEL_UPLOAD_FAILED";
    default: return "LOGGED_MODEL_PENDING";
  }
}

class SqlSource final : public Source {
 public:
  SqlSource(std::unique_ptr<SqlReader> reader, SqlPlace place) : reader_(std::move(reader)), place_(std::move(place)) {}

  Result<void> look() {
    for (const auto& need : needed()) {
      MILLRACE_TRY(const auto have, columns(std::string(need.table)));
      for (const auto& column : need.columns)
        if (!have.contains(column))
          return Error{Code::unsupported, have.empty() ? fmt::format("there is no table '{}'", need.table)
                                                       : fmt::format("'{}' has no column '{}'", need.table, column)}
              .at({.file = place_.name})
              .hint("is it an MLflow tracking database? One of MLflow before 1.0 needs 'mlflow db upgrade' first");
    }
    for (const char* table :
         {"experiments", "runs", "metrics", "experiment_tags", "datasets", "inputs", "input_tags", "logged_models",
          "logged_model_params", "logged_model_tags", "logged_model_metrics", "registered_models",
          "registered_model_tags", "registered_model_aliases", "model_versions", "model_version_tags"}) {
      MILLRACE_TRY(columns_[table], columns(table));
    }
    const auto& inputs = columns_["inputs"];
    if (!inputs.empty() && !inputs.contains("destination_id"))
      return Error{Code::unsupported, "'inputs' has no column 'destination_id'"}
          .at({.file = place_.name})
          .hint("this revision is newer than what this program knows: use a newer millrace");
    return map_models();
  }

  const std::string& name() const override { return place_.name; }
  std::vector<std::string> artifact_folders() const override { return place_.folders; }

  Result<std::vector<std::string>> left_out() override {
    std::vector<std::string> out;
    const auto count = [&](const std::string& table, const std::string& what) -> Result<void> {
      MILLRACE_TRY(const auto have, columns(table));
      if (have.empty()) return {};
      MILLRACE_TRY(const auto rows, number(fmt::format("SELECT count(*) FROM {}", table), {}));
      if (rows > 0) out.push_back(fmt::format("{} {}", rows, what));
      return {};
    };
    MILLRACE_DO(count("trace_info", "traces"));
    MILLRACE_DO(count("evaluation_datasets", "evaluation datasets"));
    MILLRACE_DO(count("webhooks", "webhooks"));
    if (!in_workspaces()) return out;
    MILLRACE_TRY(const auto others,
                 number("SELECT count(*) FROM experiments WHERE workspace <> ?", {place_.workspace}));
    if (others > 0)
      out.push_back(fmt::format("{} experiments of other workspaces (--source-workspace NAME takes them)", others));
    return out;
  }

  Result<std::vector<track::Experiment>> experiments() override {
    const auto& have = columns_["experiments"];
    const auto optional = [&](const char* column) { return have.contains(column) ? column : "NULL"; };
    std::vector<track::Experiment> out;
    store::Values values;
    std::string where;
    if (in_workspaces()) where = " WHERE workspace = ?", values.emplace_back(place_.workspace);
    MILLRACE_DO(reader_->each(
        fmt::format("SELECT CAST(experiment_id AS VARCHAR(64)), name, lifecycle_stage, {}, {} FROM experiments{} "
                    "ORDER BY experiment_id",
                    optional("creation_time"), optional("last_update_time"), where),
        values, [&](const Row& row) -> Result<void> {
          if (out.size() >= limits::exchange_entries)
            return Error{Code::too_large, fmt::format("more than {} experiments", limits::exchange_entries)};
          out.push_back({.id = row.text(0),
                         .name = row.text(1),
                         .artifact_location = "",
                         .lifecycle_stage = row.text(2),
                         .creation_time = row.integer(3),
                         .last_update_time = row.integer(4),
                         .tags = {}});
          return {};
        }));
    if (columns_["experiment_tags"].empty()) return out;
    for (auto& experiment : out) {
      MILLRACE_TRY(experiment.tags, pairs("SELECT key, value FROM experiment_tags WHERE experiment_id = ? ORDER BY key",
                                          {integer(experiment.id)}));
    }
    return out;
  }

  Result<std::vector<std::string>> run_ids(const std::string& experiment) override {
    return texts("SELECT run_uuid FROM runs WHERE experiment_id = ? ORDER BY run_uuid", {integer(experiment)});
  }

  Result<track::Run> run(const std::string& experiment, const std::string& id) override {
    track::Run run;
    MILLRACE_DO(reader_->each(
        "SELECT run_uuid, name, user_id, status, start_time, end_time, artifact_uri, lifecycle_stage FROM runs "
        "WHERE run_uuid = ?",
        {id}, [&](const Row& row) -> Result<void> {
          run.info = {.id = row.text(0),
                      .name = row.text(1),
                      .experiment_id = experiment,
                      .user_id = row.text(2),
                      .status = row.text(3),
                      .start_time = row.integer(4),
                      .end_time = row.is_null(5) ? std::optional<int64_t>() : row.integer(5),
                      .artifact_uri = row.text(6),
                      .lifecycle_stage = row.text(7)};
          return {};
        }));
    if (run.info.id.empty()) return Error{Code::not_found, fmt::format("run {} is not there any more", id)};
    MILLRACE_TRY(run.params, pairs("SELECT key, value FROM params WHERE run_uuid = ? ORDER BY key", {id}));
    MILLRACE_TRY(run.tags, pairs("SELECT key, value FROM tags WHERE run_uuid = ? ORDER BY key", {id}));
    MILLRACE_DO(add_datasets(run));
    MILLRACE_DO(add_models(run));
    return run;
  }

  Result<std::vector<std::string>> metric_keys(const track::RunInfo& run) override {
    return texts("SELECT DISTINCT key FROM metrics WHERE run_uuid = ? ORDER BY key", {run.id});
  }

  Result<std::vector<Point>> points(const track::RunInfo& run, const std::string& key) override {
    const auto& have = columns_["metrics"];
    std::vector<Point> out;
    MILLRACE_DO(
        reader_->each(fmt::format("SELECT timestamp, {}, value, {} FROM metrics WHERE run_uuid = ? AND key = ?",
                                  have.contains("step") ? "step" : "0", have.contains("is_nan") ? "is_nan" : "0"),
                      {run.id, key}, [&](const Row& row) -> Result<void> {
                        if (out.size() >= limits::exchange_points) return too_many(run, key);
                        const bool is_nan = row.is_null(2) || row.integer(3) != 0;
                        out.push_back({.timestamp = row.integer(0),
                                       .step = row.integer(1),
                                       .value = is_nan ? std::numeric_limits<double>::quiet_NaN() : row.real(2)});
                        return {};
                      }));
    MILLRACE_DO(add_measured(run, key, out));
    return out;
  }

  Result<std::vector<std::string>> registered_names() override {
    if (columns_["registered_models"].empty() || columns_["model_versions"].empty()) return std::vector<std::string>{};
    store::Values values;
    std::string where;
    if (columns_["registered_models"].contains("workspace"))
      where = " WHERE workspace = ?", values.emplace_back(place_.workspace);
    return texts(fmt::format("SELECT name FROM registered_models{} ORDER BY name", where), values);
  }

  Result<Registered> registered(const std::string& name) override {
    Registered out;
    const auto [where, values] = of_registered("registered_models", name);
    MILLRACE_DO(reader_->each(
        fmt::format("SELECT name, {}, {}, {} FROM registered_models{}", column("registered_models", "description"),
                    column("registered_models", "creation_time"), column("registered_models", "last_updated_time"),
                    where),
        values, [&](const Row& row) -> Result<void> {
          out.name = row.text(0);
          out.description = row.text(1);
          out.created = row.integer(2);
          out.updated = row.is_null(3) ? out.created : row.integer(3);
          return {};
        }));
    if (out.name.empty()) return Error{Code::not_found, fmt::format("the model '{}' is not there any more", name)};
    const auto [of_versions, version_values] = of_registered("model_versions", name);
    MILLRACE_DO(reader_->each(fmt::format("SELECT version, {} FROM model_versions{} ORDER BY version",
                                          column("model_versions", "current_stage"), of_versions),
                              version_values, [&](const Row& row) -> Result<void> {
                                out.last_version = row.integer(0);
                                if (row.text(1) != kDeletedStage) out.versions.push_back(row.integer(0));
                                return {};
                              }));
    if (const auto& have = columns_["registered_model_tags"]; !have.empty()) {
      const auto [of_tags, tag_values] = of_registered("registered_model_tags", name);
      MILLRACE_TRY(out.tags, pairs(fmt::format("SELECT key, value FROM registered_model_tags{} ORDER BY key", of_tags),
                                   tag_values));
    }
    if (columns_["registered_model_aliases"].empty()) return out;
    const auto [of_aliases, alias_values] = of_registered("registered_model_aliases", name);
    MILLRACE_DO(reader_->each(fmt::format("SELECT alias, version FROM registered_model_aliases{}", of_aliases),
                              alias_values, [&](const Row& row) -> Result<void> {
                                out.aliases.emplace(row.text(0), row.integer(1));
                                return {};
                              }));
    return out;
  }

  Result<Version> version(const std::string& model, int64_t number) override {
    Version out;
    const auto optional = [&](const char* name) { return column("model_versions", name); };
    auto [where, values] = of_registered("model_versions", model);
    values.emplace_back(number);
    MILLRACE_DO(reader_->each(
        fmt::format("SELECT source, run_id, {}, {}, {}, {}, {}, {}, {} FROM model_versions{} AND version = ?",
                    optional("run_link"), optional("description"), optional("current_stage"), optional("status"),
                    optional("user_id"), optional("creation_time"), optional("last_updated_time"), where),
        values, [&](const Row& row) -> Result<void> {
          out = {.model = model,
                 .number = number,
                 .source = row.text(0),
                 .run_id = row.text(1),
                 .run_link = row.text(2),
                 .description = row.text(3),
                 .stage = row.text(4),
                 .status = row.text(5),
                 .author = row.text(6),
                 .created = row.integer(7),
                 .updated = row.is_null(8) ? row.integer(7) : row.integer(8)};
          return {};
        }));
    if (out.number == 0) return Error{Code::not_found, fmt::format("version {} is not there any more", number)};
    if (columns_["model_version_tags"].empty()) return out;
    auto [of_tags, tag_values] = of_registered("model_version_tags", model);
    tag_values.emplace_back(number);
    MILLRACE_TRY(out.tags,
                 pairs(fmt::format("SELECT key, value FROM model_version_tags{} AND version = ? ORDER BY key", of_tags),
                       tag_values));
    return out;
  }

  Result<std::vector<std::string>> model_ids(const std::string& experiment) override {
    if (columns_["logged_models"].empty()) return std::vector<std::string>{};
    return texts("SELECT model_id FROM logged_models WHERE experiment_id = ? ORDER BY model_id", {integer(experiment)});
  }

  Result<track::LoggedModel> model(const std::string& experiment, const std::string& id) override {
    track::LoggedModel model;
    MILLRACE_DO(
        reader_->each("SELECT model_id, name, artifact_location, status, model_type, source_run_id, lifecycle_stage, "
                      "creation_timestamp_ms, last_updated_timestamp_ms FROM logged_models WHERE model_id = ?",
                      {id}, [&](const Row& row) -> Result<void> {
                        model = {.id = row.text(0),
                                 .experiment_id = experiment,
                                 .name = row.text(1),
                                 .artifact_uri = row.text(2),
                                 .status = status_of_model(row.integer(3)),
                                 .model_type = row.text(4),
                                 .source_run_id = row.text(5),
                                 .lifecycle_stage = row.is_null(6) ? "active" : row.text(6),
                                 .creation_time = row.integer(7),
                                 .last_update_time = row.integer(8)};
                        return {};
                      }));
    if (model.id.empty()) return Error{Code::not_found, fmt::format("model {} is not there any more", id)};
    MILLRACE_TRY(model.params, pairs("SELECT param_key, param_value FROM logged_model_params WHERE model_id = ? "
                                     "ORDER BY param_key",
                                     {id}));
    MILLRACE_TRY(model.tags,
                 pairs("SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = ? ORDER BY tag_key", {id}));
    return model;
  }

 private:
  // A column that not every revision has.
  std::string column(const std::string& table, const std::string& name) {
    return columns_[table].contains(name) ? name : "NULL";
  }

  // The rows of one registered model in any of the registry's tables.
  std::pair<std::string, store::Values> of_registered(const std::string& table, const std::string& name) {
    if (!columns_[table].contains("workspace")) return {" WHERE name = ?", {name}};
    return {" WHERE name = ? AND workspace = ?", {name, place_.workspace}};
  }

  bool in_workspaces() { return columns_["experiments"].contains("workspace"); }
  Result<Columns> columns(const std::string& table) { return reader_->columns(table); }

  // Experiment ids are integers in SQL.
  static store::Value integer(const std::string& id) {
    return store::Value(int64_t{std::strtoll(id.c_str(), nullptr, 10)});
  }

  static Error too_many(const track::RunInfo& run, const std::string& key) {
    return Error{Code::too_large,
                 fmt::format("metric '{}' of run {} has more than {} points", key, run.id, limits::exchange_points)};
  }

  Result<int64_t> number(const std::string& sql, const store::Values& values) {
    int64_t out = 0;
    MILLRACE_DO(reader_->each(sql, values, [&](const Row& row) -> Result<void> {
      out = row.integer(0);
      return {};
    }));
    return out;
  }

  Result<std::vector<std::string>> texts(const std::string& sql, const store::Values& values) {
    std::vector<std::string> out;
    MILLRACE_DO(reader_->each(sql, values, [&](const Row& row) -> Result<void> {
      out.push_back(row.text(0));
      return {};
    }));
    return out;
  }

  Result<std::vector<track::KeyValue>> pairs(const std::string& sql, const store::Values& values) {
    std::vector<track::KeyValue> out;
    MILLRACE_DO(reader_->each(sql, values, [&](const Row& row) -> Result<void> {
      out.push_back({row.text(0), row.text(1)});
      return {};
    }));
    return out;
  }

  Result<void> add_datasets(track::Run& run) {
    if (columns_["inputs"].empty() || columns_["datasets"].empty()) return {};
    std::vector<std::string> inputs;
    MILLRACE_DO(reader_->each(
        "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, "
        "d.dataset_profile FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id "
        "WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ? "
        "ORDER BY d.name, d.digest",
        {run.info.id}, [&](const Row& row) -> Result<void> {
          inputs.push_back(row.text(0));
          run.datasets.push_back({{row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), row.text(6)}, {}});
          return {};
        }));
    if (columns_["input_tags"].empty()) return {};
    for (size_t i = 0; i < inputs.size(); ++i) {
      MILLRACE_TRY(run.datasets[i].tags,
                   pairs("SELECT name, value FROM input_tags WHERE input_uuid = ? ORDER BY name", {inputs[i]}));
    }
    return {};
  }

  Result<void> add_models(track::Run& run) {
    if (columns_["inputs"].empty() || columns_["logged_models"].empty()) return {};
    MILLRACE_TRY(run.model_inputs,
                 texts("SELECT destination_id FROM inputs WHERE source_type = 'RUN_INPUT' AND source_id = ? "
                       "AND destination_type = 'MODEL_INPUT' ORDER BY destination_id",
                       {run.info.id}));
    return reader_->each(
        fmt::format("SELECT destination_id, {} FROM inputs WHERE source_type = 'RUN_OUTPUT' AND source_id = ? "
                    "AND destination_type = 'MODEL_OUTPUT' ORDER BY destination_id",
                    columns_["inputs"].contains("step") ? "step" : "0"),
        {run.info.id}, [&](const Row& row) -> Result<void> {
          run.model_outputs.push_back({row.text(0), row.integer(1)});
          return {};
        });
  }

  // Which models a run measured. One pass: the table has no index on the run.
  Result<void> map_models() {
    if (columns_["logged_model_metrics"].empty()) return {};
    return reader_->each("SELECT DISTINCT run_id, model_id FROM logged_model_metrics", {},
                         [&](const Row& row) -> Result<void> {
                           models_of_run_[row.text(0)].push_back(row.text(1));
                           return {};
                         });
  }

  // Says of the points which model and dataset they were measured on; a point of two models is there twice.
  Result<void> add_measured(const track::RunInfo& run, const std::string& key, std::vector<Point>& points) {
    const auto models = models_of_run_.find(run.id);
    if (models == models_of_run_.end()) return {};
    std::vector<Point> on_models;
    for (const auto& model : models->second)
      MILLRACE_DO(reader_->each(
          "SELECT metric_timestamp_ms, metric_step, metric_value, dataset_name, dataset_digest FROM "
          "logged_model_metrics WHERE model_id = ? AND metric_name = ? AND run_id = ?",
          {model, key, run.id}, [&](const Row& row) -> Result<void> {
            if (on_models.size() >= limits::exchange_points) return too_many(run, key);
            on_models.push_back({.timestamp = row.integer(0),
                                 .step = row.integer(1),
                                 .value = row.is_null(2) ? std::numeric_limits<double>::quiet_NaN() : row.real(2),
                                 .on = std::make_shared<Measured>(Measured{model, row.text(3), row.text(4)})});
            return {};
          }));
    say_measured(points, std::move(on_models));
    return {};
  }

  std::unique_ptr<SqlReader> reader_;
  SqlPlace place_;
  std::map<std::string, Columns> columns_;  // of the tables that differ between revisions
  std::map<std::string, std::vector<std::string>> models_of_run_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_sql_source(std::unique_ptr<SqlReader> reader, SqlPlace place) {
  auto source = std::make_unique<SqlSource>(std::move(reader), std::move(place));
  MILLRACE_DO(source->look());
  return std::unique_ptr<Source>(std::move(source));
}

}  // namespace millrace::exchange
