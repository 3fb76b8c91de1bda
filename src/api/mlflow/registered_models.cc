#include <algorithm>

#include "api/mlflow/registry.h"

namespace millrace::api::mlflow {
namespace {

constexpr int64_t kStandardPage = 100;

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
  if (const auto done = s.registry->rename_model(request.caller, pointer_to(*project), name, to); !done)
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
    return s.registry->delete_model(request.caller, pointer_to(project), name);
  }());
}

Reply get(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name");
  return in.failed() ? error_reply(in.error()) : reply_json(model_now(s, request.caller, name));
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto asked = search_of(in, kStandardPage);
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto project, project_of(s));
    MILLRACE_TRY(const auto page, s.registry->search_models(request.caller.workspace, pointer_to(project), asked));
    Json out = Json::object();
    for (const auto& model : page.items) out["registered_models"].push_back(model_json(model));
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
    MILLRACE_TRY(const auto project, project_of(s));
    MILLRACE_TRY(const auto shown, s.registry->show_model(request.caller.workspace, pointer_to(project), name));
    Json out = Json::object();
    for (const auto& version : shown.newest)
      if (wanted.empty() || std::find(wanted.begin(), wanted.end(), version.entry.stage) != wanted.end())
        out["model_versions"].push_back(version_json(version));
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
    MILLRACE_TRY(const auto project, project_of(s));
    MILLRACE_TRY(const auto shown, s.registry->show_alias(request.caller.workspace, pointer_to(project), name, wanted));
    return Json{{"model_version", version_json(shown)}};
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
    return s.registry->set_alias(request.caller, pointer_to(project), wanted);
  }());
}

Reply delete_alias(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name"), alias = in.text("alias");
  if (in.failed()) return error_reply(in.error());
  return reply_of([&]() -> Result<void> {
    MILLRACE_TRY(const auto project, project_of(s));
    MILLRACE_TRY(const auto shown, s.registry->show_model(request.caller.workspace, pointer_to(project), name));
    return s.registry->delete_alias(request.caller, pointer_to(project), shown.model.name, alias);
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
