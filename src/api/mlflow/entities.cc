#include "api/mlflow/entities.h"

#include <string>

namespace millrace::api::mlflow {
namespace {

void put_list(Json& json, const char* name, Json list) {
  if (!list.empty()) json[name] = std::move(list);
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

Json to_json(const track::FileInfo& file, std::string_view folder) {
  Json out{{"path", folder.empty() ? file.path : std::string(folder) + "/" + file.path}, {"is_dir", file.is_folder}};
  if (!file.is_folder) out["file_size"] = file.size;
  return out;
}

}  // namespace millrace::api::mlflow
