// Model versions as MLflow's registered models: what the handlers of both share.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/mlflow/table.h"
#include "registry/registry.h"

namespace millrace::api::mlflow {

// A workspace's models at one moment.
struct Catalogue {
  std::vector<registry::VersionEntry> versions;  // by model and number
  std::vector<registry::Alias> aliases;
};
// The project that binds aliases; nothing when the server runs without one.
Result<std::optional<Project>> project_of(const Services& services);
Result<Catalogue> read_catalogue(const Services& services, const Caller& caller);

// A registered model is what has versions.
struct ModelEntry {
  std::string name, author;
  Micros created_at = 0, updated_at = 0;
  int64_t newest = 0;
};
std::vector<ModelEntry> models_of(const Catalogue& catalogue);                      // by name
Result<ModelEntry> get_model(const Catalogue& catalogue, const std::string& name);  // not_found in MLflow's words
Result<int64_t> read_version(const std::string& text);                              // clients send it as text
Result<Json> version_json(const Services& services, const Caller& caller, const Catalogue& catalogue,
                          const std::string& model, int64_t version);

}  // namespace millrace::api::mlflow
