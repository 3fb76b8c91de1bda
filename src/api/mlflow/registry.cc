#include "api/mlflow/registry.h"

#include <charconv>

#include <fmt/format.h>

namespace millrace::api::mlflow {
namespace {

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

}  // namespace

Result<std::optional<Project>> project_of(const Services& services) {
  if (!services.project) return std::optional<Project>();
  auto project = services.project();
  if (project) return std::optional(std::move(*project));
  if (project.error().code() == Code::not_found) return std::optional<Project>();
  return std::move(project).error();
}

Result<int64_t> read_version(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  return Error{Code::invalid, fmt::format("Parameter 'version' must be an integer, got '{}'.", text.substr(0, 64))};
}

registry::RegistrySearch search_of(Body& in, int64_t standard) {
  return {.filter = in.text_or("filter"),
          .order_by = in.texts("order_by"),
          .max_results = in.integer_or("max_results", standard),
          .page_token = in.text_or("page_token")};
}

Json version_json(const registry::ShownVersion& shown) {
  const auto& version = shown.entry;
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
  if (!shown.aliases.empty()) out["aliases"] = shown.aliases;
  if (auto tags = tags_of(version); !tags.empty()) out["tags"] = std::move(tags);
  return out;
}

Json model_json(const registry::ShownModel& shown) {
  const auto& model = shown.model;
  Json out{{"name", model.name},
           {"creation_timestamp", model.created_at / 1000},
           {"last_updated_timestamp", model.updated_at / 1000},
           {"user_id", model.author}};
  put(out, "description", model.description);
  for (const auto& version : shown.newest) out["latest_versions"].push_back(version_json(version));
  for (const auto& alias : shown.aliases)
    out["aliases"].push_back({{"alias", alias.name}, {"version", std::to_string(alias.version)}});
  if (!model.tags.empty()) out["tags"] = to_json(model.tags);
  return out;
}

Result<Json> version_now(const Services& services, const Caller& caller, const std::string& model, int64_t version) {
  MILLRACE_TRY(const auto project, project_of(services));
  MILLRACE_TRY(const auto shown,
               services.registry->show_version(caller.workspace, pointer_to(project), model, version));
  return Json{{"model_version", version_json(shown)}};
}

Result<Json> model_now(const Services& services, const Caller& caller, const std::string& name) {
  MILLRACE_TRY(const auto project, project_of(services));
  MILLRACE_TRY(const auto shown, services.registry->show_model(caller.workspace, pointer_to(project), name));
  return Json{{"registered_model", model_json(shown)}};
}

}  // namespace millrace::api::mlflow
