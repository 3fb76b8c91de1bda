#include "api/mlflow/registry.h"
#include "api/mlflow/select.h"

#include <fmt/format.h>

namespace millrace::api::mlflow {
namespace {

constexpr int64_t kStandardPage = 100;
constexpr size_t kLargestPage = 1'000;

constexpr track::Attribute kAttributes[] = {{"name", "name"},
                                            {"creation_timestamp", "created", true},
                                            {"last_updated_timestamp", "updated", true},
                                            {"timestamp", "updated", true}};
constexpr track::Entity kEntities[] = {track::Entity::tag};
const track::Grammar kGrammar{kAttributes, kEntities};

Cell cell_of(const ModelEntry& model, const std::string& column) {
  if (column == "name") return {.text = model.name};
  return {.number = static_cast<double>((column == "created" ? model.created_at : model.updated_at) / 1000)};
}

// Clients ask for "not a prompt" by a tag that prompts have; models here have no tags.
bool tag_holds(const track::Comparison& comparison) {
  return comparison.op == track::Operator::unequal || comparison.op == track::Operator::is_null;
}

Result<Json> model_json(const Request& request, const Services& s, const Catalogue& catalogue,
                        const ModelEntry& model) {
  MILLRACE_TRY(auto newest, version_json(s, request.caller, catalogue, model.name, model.newest));
  Json aliases = Json::array();
  for (const auto& alias : catalogue.aliases)
    if (alias.model == model.name)
      aliases.push_back({{"alias", alias.name}, {"version", std::to_string(alias.version)}});
  return Json{{"name", model.name},
              {"creation_timestamp", model.created_at / 1000},
              {"last_updated_timestamp", model.updated_at / 1000},
              {"user_id", model.author},
              {"description", ""},
              {"latest_versions", Json::array({std::move(newest)})},
              {"aliases", std::move(aliases)}};
}

Reply reply_json(const Result<Json>& json) {
  return reply_of(json, [](const Json& value) { return value; });
}

Reply get(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name");
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller));
    MILLRACE_TRY(const auto model, get_model(catalogue, name));
    MILLRACE_TRY(auto json, model_json(request, s, catalogue, model));
    return Json{{"registered_model", std::move(json)}};
  }());
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto asked = Asked::of(in, kStandardPage);
  if (in.failed()) return error_reply(in.error());
  const Searched<ModelEntry> how{.grammar = kGrammar,
                                 .cell = cell_of,
                                 .tag_holds = tag_holds,
                                 .order = {"name"},
                                 .key = [](const ModelEntry& model) { return Json(model.name); },
                                 .most = kLargestPage};
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller));
    MILLRACE_TRY(const auto page, select(models_of(catalogue), how, asked));
    Json out = Json::object();
    for (const auto& model : page.items) {
      MILLRACE_TRY(auto json, model_json(request, s, catalogue, model));
      out["registered_models"].push_back(std::move(json));
    }
    if (!page.next.empty()) out["next_page_token"] = page.next;
    return out;
  }());
}

Reply by_alias(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto name = in.text("name"), wanted = in.text("alias");
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller));
    MILLRACE_TRY(const auto model, get_model(catalogue, name));
    int64_t version = wanted == "latest" ? model.newest : 0;
    for (const auto& alias : catalogue.aliases)
      if (alias.model == name && alias.name == wanted) version = alias.version;
    if (version == 0) return Error{Code::invalid, fmt::format("Registered model alias {} not found.", wanted)};
    MILLRACE_TRY(auto json, version_json(s, request.caller, catalogue, name, version));
    return Json{{"model_version", std::move(json)}};
  }());
}

Reply set_alias(Request& request, const Services& s) {
  auto in = Body::of(request);
  registry::Alias wanted{.model = in.text("name"), .name = in.text("alias")};
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
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller));
    MILLRACE_TRY(const auto model, get_model(catalogue, name));
    return s.registry->delete_alias(request.caller, project ? &*project : nullptr, model.name, alias);
  }());
}

}  // namespace

void add_registered_models(Table& table) {
  const std::string base = "/registered-models";
  table.add({"GET", base + "/get", Permission::read, "none", "One registered model.", get});
  table.add({"GET", base + "/search", Permission::read, "none", "Registered models.", search});
  table.add({"GET", base + "/alias", Permission::read, "none", "The version that an alias stands for.", by_alias});
  // Which role it takes depends on the alias: approver where a deployment binds it, writer for a label. The service
  // knows.
  table.add({"POST", base + "/alias", Permission::read, "release.created",
             "Let an alias stand for a version; one that a deployment binds moves its traffic.", set_alias});
  table.add({"DELETE", base + "/alias", Permission::read, "model.alias.deleted", "Delete an alias that is a label.",
             delete_alias});
}

}  // namespace millrace::api::mlflow
