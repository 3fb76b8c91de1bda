#include <algorithm>

#include <fmt/format.h>

#include "api/mlflow/registry.h"
#include "api/mlflow/select.h"

namespace millrace::api::mlflow {
namespace {

using registry::RegisteredModel;

constexpr int64_t kStandardPage = 100;
constexpr size_t kLargestPage = 1'000;

constexpr track::Attribute kAttributes[] = {{"name", "name", false, true},
                                            {"creation_timestamp", "created", true},
                                            {"last_updated_timestamp", "updated", true},
                                            {"timestamp", "updated", true}};
constexpr track::Entity kEntities[] = {track::Entity::tag};
const track::Grammar kGrammar{kAttributes, kEntities};

Cell cell_of(const RegisteredModel& model, const std::string& column) {
  if (column == "name") return {.text = model.name};
  return {.number = static_cast<double>((column == "created" ? model.created_at : model.updated_at) / 1000)};
}

Reply reply_json(const Result<Json>& json) {
  return reply_of(json, [](const Json& value) { return value; });
}

Reply create(Request& request, const Services& s) {
  auto in = Body::of(request);
  const registry::NewRegisteredModel wanted{
      .name = in.text("name"), .description = in.text_or("description"), .tags = in.pairs("tags")};
  if (in.failed()) return error_reply(in.error());
  if (const auto made = s.registry->create_model(request.caller, wanted); !made) return creation_error(made.error());
  return reply_json(model_now(s, request.caller, wanted.name));
}

Reply rename(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name"), to = in.text("new_name");
  if (in.failed()) return error_reply(in.error());
  const auto project = project_of(s);
  if (!project) return error_reply(project.error());
  if (const auto done = s.registry->rename_model(request.caller, *project ? &**project : nullptr, name, to); !done)
    return done.error().message().ends_with("already exists.") ? creation_error(done.error())
                                                               : error_reply(done.error());
  return reply_json(model_now(s, request.caller, to));
}

Reply update(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name"), description = in.text_or("description");
  if (in.failed()) return error_reply(in.error());
  if (const auto done = s.registry->describe_model(request.caller, name, description); !done)
    return error_reply(done.error());
  return reply_json(model_now(s, request.caller, name));
}

Reply remove(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name");
  if (in.failed()) return error_reply(in.error());
  return reply_of([&]() -> Result<void> {
    MILLRACE_TRY(const auto project, project_of(s));
    return s.registry->delete_model(request.caller, project ? &*project : nullptr, name);
  }());
}

Reply get(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name");
  return in.failed() ? error_reply(in.error()) : reply_json(model_now(s, request.caller, name));
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto asked = Asked::of(in, kStandardPage);
  if (in.failed()) return error_reply(in.error());
  const Searched<RegisteredModel> how{
      .grammar = kGrammar,
      .cell = cell_of,
      .tags = [](const RegisteredModel& model) -> const std::vector<track::KeyValue>& { return model.tags; },
      .order = {"name"},
      .key = [](const RegisteredModel& model) { return Json::array({model.name}); },
      .most = kLargestPage};
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller));
    auto models = catalogue.models;
    if (!asks_for_prompts(asked.filter, kGrammar))
      std::erase_if(models, [](const RegisteredModel& model) { return registry::is_prompt(model.tags); });
    MILLRACE_TRY(const auto page, select(std::move(models), how, asked));
    Json out = Json::object();
    for (const auto& model : page.items) out["registered_models"].push_back(model_json(catalogue, model));
    if (!page.next.empty()) out["next_page_token"] = page.next;
    return out;
  }());
}

Reply latest(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name");
  const auto stages = in.texts("stages");
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    std::vector<std::string> wanted;
    for (const auto& stage : stages) {
      MILLRACE_TRY(auto known, registry::canonical_stage(stage));
      wanted.push_back(std::move(known));
    }
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller, name));
    MILLRACE_TRY(const auto model, get_model(catalogue, name));
    Json out = Json::object();
    for (const auto& version : newest_of_stages(catalogue, model.name))
      if (wanted.empty() || std::find(wanted.begin(), wanted.end(), version.stage) != wanted.end())
        out["model_versions"].push_back(version_json(catalogue, version));
    return out;
  }());
}

Reply set_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name");
  const track::KeyValue tag{in.text("key"), in.text_or("value")};
  return in.failed() ? error_reply(in.error()) : reply_of(s.registry->tag_model(request.caller, name, tag));
}

Reply delete_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name"), key = in.text("key");
  return in.failed() ? error_reply(in.error()) : reply_of(s.registry->untag_model(request.caller, name, key));
}

Reply by_alias(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name"), wanted = in.text("alias");
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller, name));
    MILLRACE_TRY(const auto model, get_model(catalogue, name));
    std::string lower = wanted;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (lower == "latest") {
      if (catalogue.versions.empty())
        return Error{Code::not_found, fmt::format("Latest version not found for model {}.", name)};
      return Json{{"model_version", version_json(catalogue, catalogue.versions.back())}};
    }
    for (const auto& alias : catalogue.aliases) {
      if (alias.model != model.name || alias.name != wanted) continue;
      MILLRACE_TRY(const auto version, get_version(catalogue, name, alias.version));
      return Json{{"model_version", version_json(catalogue, version)}};
    }
    return Error{Code::invalid, fmt::format("Registered model alias {} not found.", wanted)};
  }());
}

Reply set_alias(Request& request, const Services& s) {
  auto in = Body::of(request);
  registry::Alias wanted{.model = in.text("name"), .name = in.text("alias"), .version = 0, .deployment = {}};
  const auto version = in.text("version");
  if (in.failed()) return error_reply(in.error());
  return reply_of([&]() -> Result<void> {
    MILLRACE_TRY(wanted.version, read_version(version));
    MILLRACE_TRY(const auto project, project_of(s));
    return s.registry->set_alias(request.caller, project ? &*project : nullptr, wanted);
  }());
}

Reply delete_alias(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name"), alias = in.text("alias");
  if (in.failed()) return error_reply(in.error());
  return reply_of([&]() -> Result<void> {
    MILLRACE_TRY(const auto project, project_of(s));
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller, name));
    MILLRACE_TRY(const auto model, get_model(catalogue, name));
    return s.registry->delete_alias(request.caller, project ? &*project : nullptr, model.name, alias);
  }());
}

}  // namespace

void add_registered_models(Table& table) {
  const std::string base = "/registered-models";
  table.add({"POST", base + "/create", Permission::write, "model.created", "Makes a registered model.", create});
  table.add({"POST", base + "/rename", Permission::write, "model.renamed", "Renames a registered model.", rename});
  table.add({"PATCH", base + "/update", Permission::write, "model.updated", "Describes a registered model.", update});
  table.add({"DELETE", base + "/delete", Permission::write, "model.deleted",
             "Deletes a registered model and its versions.", remove});
  table.add({"GET", base + "/get", Permission::read, "none", "One registered model.", get});
  table.add({"GET", base + "/search", Permission::read, "none", "Registered models.", search});
  for (const auto* method : {"GET", "POST"})
    table.add(
        {method, base + "/get-latest-versions", Permission::read, "none", "Of each stage the newest version.", latest});
  table.add({"POST", base + "/set-tag", Permission::write, "model.tag.set", "Tags a registered model.", set_tag});
  table.add({"DELETE", base + "/delete-tag", Permission::write, "model.tag.deleted",
             "Removes a tag of a registered model.", delete_tag});
  table.add({"GET", base + "/alias", Permission::read, "none", "The version that an alias stands for.", by_alias});
  // Which role these take depends on the alias: approver where a deployment binds it, writer for a label and for asking
  // for a protected one. The service knows.
  table.add({"POST", base + "/alias", Permission::read, "release.created",
             "Let an alias stand for a version; one that a deployment binds moves its traffic.", set_alias});
  table.add({"DELETE", base + "/alias", Permission::read, "model.alias.deleted", "Delete an alias that is a label.",
             delete_alias});
}

}  // namespace millrace::api::mlflow
