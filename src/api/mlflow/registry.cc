#include "api/mlflow/registry.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

namespace millrace::api::mlflow {
namespace {

constexpr std::string_view kPromptTag = "mlflow.prompt.is_prompt";

void put(Json& json, const char* name, const std::string& value) {
  if (!value.empty()) json[name] = value;
}

// What the registry knows of a version that went through gates, or that the pipeline made.
Json tags_of(const registry::VersionEntry& version) {
  Json tags = to_json(version.tags);
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) tags.push_back({{"key", key}, {"value", value}});
  };
  if (!version.evaluated && !version.source.starts_with("millrace:")) return tags;
  add("millrace.state", version.state);
  add("millrace.digest", version.digest);
  return tags;
}

bool comes_before(const registry::VersionEntry& one, const registry::VersionEntry& other) {
  return std::pair(std::string_view(one.model), one.version) < std::pair(std::string_view(other.model), other.version);
}

// The first version of a model in a sorted list.
std::vector<registry::VersionEntry>::const_iterator first_of(const Catalogue& catalogue, const std::string& model) {
  return std::lower_bound(catalogue.versions.begin(), catalogue.versions.end(), model,
                          [](const auto& version, const auto& name) { return version.model < name; });
}

}  // namespace

Result<std::optional<Project>> project_of(const Services& services) {
  if (!services.project) return std::optional<Project>();
  auto project = services.project();
  if (project) return std::optional(std::move(*project));
  if (project.error().code() == Code::not_found) return std::optional<Project>();
  return std::move(project).error();
}

Result<Catalogue> read_catalogue(const Services& services, const Caller& caller, const std::string& model) {
  Catalogue out;
  MILLRACE_TRY(const auto project, project_of(services));
  MILLRACE_TRY(out.models, services.registry->registered(caller.workspace, model));
  MILLRACE_TRY(out.versions, services.registry->catalogue(caller.workspace, model));
  std::sort(out.versions.begin(), out.versions.end(), comes_before);
  MILLRACE_TRY(out.aliases, services.registry->aliases(caller.workspace, project ? &*project : nullptr, model));
  return out;
}

Result<registry::RegisteredModel> get_model(const Catalogue& catalogue, const std::string& name) {
  MILLRACE_DO(registry::check_registered_name(name, "name"));
  for (const auto& each : catalogue.models)
    if (each.name == name) return each;
  return Error{Code::not_found, fmt::format("Registered Model with name={} not found", name)}.hint(
      "register one with mlflow.register_model, or: millrace model register NAME");
}

Result<registry::VersionEntry> get_version(const Catalogue& catalogue, const std::string& model, int64_t version) {
  MILLRACE_DO(registry::check_registered_name(model, "name"));
  for (const auto& each : catalogue.versions)
    if (each.model == model && each.version == version) return each;
  return Error{Code::not_found, fmt::format("Model Version (name={}, version={}) not found", model, version)};
}

std::vector<registry::VersionEntry> newest_of_stages(const Catalogue& catalogue, const std::string& model) {
  std::map<std::string, registry::VersionEntry> newest;
  for (auto at = first_of(catalogue, model); at != catalogue.versions.end() && at->model == model; ++at)
    newest[at->stage] = *at;
  std::vector<registry::VersionEntry> out;
  for (auto& [stage, version] : newest) out.push_back(std::move(version));
  return out;
}

Result<int64_t> read_version(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return Error{Code::invalid, fmt::format("Parameter 'version' must be an integer, got '{}'.", text.substr(0, 64))};
}

Json version_json(const Catalogue& catalogue, const registry::VersionEntry& version) {
  Json aliases = Json::array();
  for (const auto& alias : catalogue.aliases)
    if (alias.model == version.model && alias.version == version.version) aliases.push_back(alias.name);
  Json out{{"name", version.model},
           {"version", std::to_string(version.version)},
           {"creation_timestamp", version.created_at / 1000},
           {"last_updated_timestamp", version.updated_at / 1000},
           {"user_id", version.author},
           {"current_stage", version.stage},
           {"source", version.source},
           {"run_id", version.run_id},
           {"status", "READY"}};
  put(out, "description", version.description);
  put(out, "run_link", version.run_link);
  put(out, "model_id", version.model_id);
  if (!aliases.empty()) out["aliases"] = std::move(aliases);
  if (auto tags = tags_of(version); !tags.empty()) out["tags"] = std::move(tags);
  return out;
}

Json model_json(const Catalogue& catalogue, const registry::RegisteredModel& model) {
  Json out{{"name", model.name},
           {"creation_timestamp", model.created_at / 1000},
           {"last_updated_timestamp", model.updated_at / 1000},
           {"user_id", model.author}};
  put(out, "description", model.description);
  for (const auto& version : newest_of_stages(catalogue, model.name))
    out["latest_versions"].push_back(version_json(catalogue, version));
  for (const auto& alias : catalogue.aliases)
    if (alias.model == model.name)
      out["aliases"].push_back({{"alias", alias.name}, {"version", std::to_string(alias.version)}});
  if (!model.tags.empty()) out["tags"] = to_json(model.tags);
  return out;
}

bool asks_for_prompts(const std::string& filter, const track::Grammar& grammar) {
  const auto comparisons = track::parse_filter(filter, grammar);
  if (!comparisons) return false;  // its error is the search's
  for (const auto& each : *comparisons) {
    if (each.entity != track::Entity::tag || each.key != kPromptTag || each.texts.empty()) continue;
    const bool yes = registry::is_prompt({{each.key, each.texts[0]}});
    return (each.op == track::Operator::equal && yes) || (each.op == track::Operator::unequal && !yes);
  }
  return false;
}

Result<Json> version_now(const Services& services, const Caller& caller, const std::string& model, int64_t version) {
  MILLRACE_TRY(const auto catalogue, read_catalogue(services, caller, model));
  MILLRACE_TRY(const auto found, get_version(catalogue, model, version));
  return Json{{"model_version", version_json(catalogue, found)}};
}

Result<Json> model_now(const Services& services, const Caller& caller, const std::string& name) {
  MILLRACE_TRY(const auto catalogue, read_catalogue(services, caller, name));
  MILLRACE_TRY(const auto model, get_model(catalogue, name));
  return Json{{"registered_model", model_json(catalogue, model)}};
}

}  // namespace millrace::api::mlflow
