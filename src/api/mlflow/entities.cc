#include "api/mlflow/entities.h"

#include <cmath>
#include <string>

namespace millrace::api::mlflow {
namespace {

void put(Json& json, const char* name, const std::string& value) {
  if (!value.empty()) json[name] = value;
}

void put_list(Json& json, const char* name, Json list) {
  if (!list.empty()) json[name] = std::move(list);
}

Json dataset_json(const track::DatasetInput& input) {
  Json dataset{{"name", input.dataset.name},
               {"digest", input.dataset.digest},
               {"source_type", input.dataset.source_type},
               {"source", input.dataset.source}};
  put(dataset, "schema", input.dataset.schema);
  put(dataset, "profile", input.dataset.profile);
  Json out{{"dataset", std::move(dataset)}};
  put_list(out, "tags", to_json(input.tags));
  return out;
}

}  // namespace

Json to_json(const std::vector<track::KeyValue>& pairs) {
  Json out = Json::array();
  for (const auto& pair : pairs) out.push_back({{"key", pair.key}, {"value", pair.value}});
  return out;
}

Json to_json(const track::Experiment& experiment) {
  Json out{{"experiment_id", experiment.id},
           {"name", experiment.name},
           {"artifact_location", experiment.artifact_location},
           {"lifecycle_stage", experiment.lifecycle_stage},
           {"creation_time", experiment.creation_time},
           {"last_update_time", experiment.last_update_time}};
  put_list(out, "tags", to_json(experiment.tags));
  return out;
}

Json to_json(const track::RunInfo& info) {
  Json out{{"run_id", info.id},
           {"run_uuid", info.id},
           {"run_name", info.name},
           {"experiment_id", info.experiment_id},
           {"user_id", info.user_id},
           {"status", info.status},
           {"start_time", info.start_time},
           {"artifact_uri", info.artifact_uri},
           {"lifecycle_stage", info.lifecycle_stage}};
  if (info.end_time) out["end_time"] = *info.end_time;
  return out;
}

Json to_json(const track::Metric& metric) {
  Json out{{"key", metric.key}, {"value", metric.value}, {"timestamp", metric.timestamp}, {"step", metric.step}};
  if (std::isnan(metric.value)) out["value"] = "NaN";
  put(out, "model_id", metric.model_id);
  put(out, "dataset_name", metric.dataset_name);
  put(out, "dataset_digest", metric.dataset_digest);
  put(out, "run_id", metric.run_id);
  return out;
}

Json to_json(const track::Run& run) {
  Json data = Json::object(), inputs = Json::object(), outputs = Json::object();
  for (const auto& metric : run.metrics) data["metrics"].push_back(to_json(metric));
  put_list(data, "params", to_json(run.params));
  put_list(data, "tags", to_json(run.tags));
  for (const auto& input : run.datasets) inputs["dataset_inputs"].push_back(dataset_json(input));
  for (const auto& model : run.model_inputs) inputs["model_inputs"].push_back({{"model_id", model}});
  for (const auto& model : run.model_outputs)
    outputs["model_outputs"].push_back({{"model_id", model.model_id}, {"step", model.step}});
  return {{"info", to_json(run.info)},
          {"data", std::move(data)},
          {"inputs", std::move(inputs)},
          {"outputs", std::move(outputs)}};
}

Json to_json(const track::LoggedModel& model) {
  Json info{{"model_id", model.id},
            {"experiment_id", model.experiment_id},
            {"name", model.name},
            {"creation_timestamp_ms", model.creation_time},
            {"last_updated_timestamp_ms", model.last_update_time},
            {"artifact_uri", model.artifact_uri},
            {"status", model.status}};
  put(info, "model_type", model.model_type);
  put(info, "source_run_id", model.source_run_id);
  put_list(info, "tags", to_json(model.tags));
  Json data = Json::object();
  put_list(data, "params", to_json(model.params));
  for (const auto& metric : model.metrics) data["metrics"].push_back(to_json(metric));
  return {{"info", std::move(info)}, {"data", std::move(data)}};
}

Json to_json(const track::FileInfo& file, std::string_view folder) {
  Json out{{"path", folder.empty() ? file.path : std::string(folder) + "/" + file.path}, {"is_dir", file.is_folder}};
  if (!file.is_folder) out["file_size"] = file.size;
  return out;
}

}  // namespace millrace::api::mlflow
