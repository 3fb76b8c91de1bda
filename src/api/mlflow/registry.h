// Registered models and their versions: what the handlers of both share.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/mlflow/table.h"
#include "registry/registry.h"
#include "track/filter.h"

namespace millrace::api::mlflow {

// A workspace's models at one moment, or one of them.
struct Catalogue {
  std::vector<registry::RegisteredModel> models;  // by name
  std::vector<registry::VersionEntry> versions;   // by model and number
  std::vector<registry::Alias> aliases;
};
// The project that binds and protects aliases; nothing when the server runs without one.
Result<std::optional<Project>> project_of(const Services& services);
Result<Catalogue> read_catalogue(const Services& services, const Caller& caller, const std::string& model = "");

Result<registry::RegisteredModel> get_model(const Catalogue& catalogue,
                                            const std::string& name);  // not_found in MLflow's words
Result<registry::VersionEntry> get_version(const Catalogue& catalogue, const std::string& model, int64_t version);
// Of each stage the highest version.
std::vector<registry::VersionEntry> newest_of_stages(const Catalogue& catalogue, const std::string& model);
Result<int64_t> read_version(const std::string& text);  // clients send it as text

Json version_json(const Catalogue& catalogue, const registry::VersionEntry& version);
Json model_json(const Catalogue& catalogue, const registry::RegisteredModel& model);
// Is this search for prompts? Otherwise they are left out, as MLflow does.
bool asks_for_prompts(const std::string& filter, const track::Grammar& grammar);

// {"model_version": ...} of one as it is now, or an error.
Result<Json> version_now(const Services& services, const Caller& caller, const std::string& model, int64_t version);
Result<Json> model_now(const Services& services, const Caller& caller, const std::string& name);

}  // namespace millrace::api::mlflow
