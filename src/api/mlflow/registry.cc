#include "api/mlflow/registry.h"

#include <charconv>

#include <fmt/format.h>

namespace millrace::api::mlflow {

Result<std::optional<Project>> project_of(const Services& services) {
  if (!services.project) return std::optional<Project>();
  auto project = services.project();
  if (project) return std::optional(std::move(*project));
  if (project.error().code() == Code::not_found) return std::optional<Project>();
  return std::move(project).error();
}

Result<Catalogue> read_catalogue(const Services& services, const Caller& caller) {
  Catalogue out;
  MILLRACE_TRY(const auto project, project_of(services));
  MILLRACE_TRY(out.versions, services.registry->catalogue(caller.workspace));
  MILLRACE_TRY(out.aliases, services.registry->aliases(caller.workspace, project ? &*project : nullptr, ""));
  return out;
}

std::vector<ModelEntry> models_of(const Catalogue& catalogue) {
  std::vector<ModelEntry> out;
  for (const auto& each : catalogue.versions) {
    if (out.empty() || out.back().name != each.model)
      out.push_back({.name = each.model, .author = each.author, .created_at = each.created_at});
    out.back().updated_at = std::max(out.back().updated_at, each.created_at);
    out.back().newest = each.version;
  }
  return out;
}

Result<ModelEntry> get_model(const Catalogue& catalogue, const std::string& name) {
  for (auto& each : models_of(catalogue))
    if (each.name == name) return std::move(each);
  return Error{Code::not_found, fmt::format("Registered Model with name={} not found", name)}.hint(
      "a model is registered with: millrace model register NAME");
}

Result<int64_t> read_version(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return Error{Code::invalid, fmt::format("Parameter 'version' must be an integer, got {}", text.substr(0, 64))};
}

Result<Json> version_json(const Services& services, const Caller& caller, const Catalogue& catalogue,
                          const std::string& model, int64_t version) {
  auto found = services.registry->get(caller.workspace, model, version);
  if (!found && found.error().code() == Code::not_found)
    return Error{Code::not_found, fmt::format("Model Version (name={}, version={}) not found", model, version)};
  MILLRACE_TRY(const auto it, std::move(found));
  Json aliases = Json::array();
  for (const auto& alias : catalogue.aliases)
    if (alias.model == model && alias.version == version) aliases.push_back(alias.name);
  const auto tag = [](const char* key, const std::string& value) { return Json{{"key", key}, {"value", value}}; };
  return Json{{"name", model},
              {"version", std::to_string(version)},
              {"creation_timestamp", it.created_at / 1000},
              {"last_updated_timestamp", it.created_at / 1000},
              {"user_id", it.author},
              {"current_stage", "None"},
              {"description", ""},
              {"source", "millrace:" + it.node()},
              {"run_id", it.run_id},
              {"status", "READY"},
              {"aliases", std::move(aliases)},
              {"tags", {tag("millrace.state", it.state), tag("millrace.digest", it.digests.model)}}};
}

}  // namespace millrace::api::mlflow
