#include <algorithm>
#include <set>

#include "api/mlflow/registry.h"
#include "api/mlflow/select.h"

namespace millrace::api::mlflow {
namespace {

using registry::VersionEntry;

constexpr int64_t kStandardPage = 10'000;
constexpr size_t kLargestPage = 200'000;

constexpr track::Attribute kAttributes[] = {
    {"name", "name", false, true},           {"version_number", "version", true},
    {"run_id", "run_id", false, true},       {"source_path", "source"},
    {"creation_timestamp", "created", true}, {"last_updated_timestamp", "updated", true}};
constexpr track::Entity kEntities[] = {track::Entity::tag};
const track::Grammar kGrammar{kAttributes, kEntities};

Cell cell_of(const VersionEntry& version, const std::string& column) {
  if (column == "name") return {.text = version.model};
  if (column == "run_id") return {.text = version.run_id};
  if (column == "source") return {.text = version.source};
  if (column == "version") return {.number = static_cast<double>(version.version)};
  return {.number = static_cast<double>((column == "created" ? version.created_at : version.updated_at) / 1000)};
}

Reply reply_json(const Result<Json>& json) {
  return reply_of(json, [](const Json& value) { return value; });
}

// Which version a body names.
struct Named {
  std::string model, text;
  Result<int64_t> number() const { return read_version(text); }
  static Named of(Body& in) { return {in.text("name"), in.text("version")}; }
};

// Runs `work` on the version that the body names.
template <class Work>
Reply on_version(const Named& named, Work work) {
  const auto number = named.number();
  return number ? reply_of(work(*number)) : error_reply(number.error());
}

Reply create(Request& request, const Services& s) {
  auto in = Body::of(request);
  const registry::NewVersion wanted{.model = in.text("name"),
                                    .source = in.text("source"),
                                    .run_id = in.text_or("run_id"),
                                    .model_id = in.text_or("model_id"),
                                    .run_link = in.text_or("run_link"),
                                    .description = in.text_or("description"),
                                    .tags = in.pairs("tags")};
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto project, project_of(s));
    MILLRACE_TRY(const auto version, s.registry->create_version(request.caller, project ? &*project : nullptr, wanted));
    return version_now(s, request.caller, wanted.model, version);
  }());
}

Reply update(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto named = Named::of(in);
  const auto description = in.text_or("description");
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto number, named.number());
    MILLRACE_DO(s.registry->describe_version(request.caller, named.model, number, description));
    return version_now(s, request.caller, named.model, number);
  }());
}

Reply transition(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto named = Named::of(in);
  registry::StageMove move{.model = named.model,
                           .version = 0,
                           .stage = in.text("stage"),
                           .archive = in.boolean_or("archive_existing_versions", false),
                           .why = {}};
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(move.version, named.number());
    MILLRACE_TRY(const auto project, project_of(s));
    MILLRACE_DO(s.registry->set_stage(request.caller, project ? &*project : nullptr, move));
    return version_now(s, request.caller, named.model, move.version);
  }());
}

Reply remove(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto named = Named::of(in);
  if (in.failed()) return error_reply(in.error());
  return on_version(named, [&](int64_t version) -> Result<void> {
    MILLRACE_TRY(const auto project, project_of(s));
    return s.registry->delete_version(request.caller, project ? &*project : nullptr, named.model, version);
  });
}

Reply get(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto named = Named::of(in);
  if (in.failed()) return error_reply(in.error());
  const auto number = named.number();
  return number ? reply_json(version_now(s, request.caller, named.model, *number)) : error_reply(number.error());
}

Reply download_uri(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto named = Named::of(in);
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto number, named.number());
    MILLRACE_TRY(const auto uri, s.registry->download_uri(request.caller, named.model, number));
    return Json{{"artifact_uri", uri}};
  }());
}

Reply set_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto named = Named::of(in);
  const track::KeyValue tag{in.text("key"), in.text_or("value")};
  if (in.failed()) return error_reply(in.error());
  return on_version(
      named, [&](int64_t version) { return s.registry->tag_version(request.caller, named.model, version, tag); });
}

Reply delete_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto named = Named::of(in);
  const auto key = in.text("key");
  if (in.failed()) return error_reply(in.error());
  return on_version(
      named, [&](int64_t version) { return s.registry->untag_version(request.caller, named.model, version, key); });
}

// A search for one name reads one model.
std::string only_name(const Asked& asked) {
  const auto comparisons = track::parse_filter(asked.filter, kGrammar);
  if (!comparisons) return "";
  for (const auto& each : *comparisons)
    if (each.entity == track::Entity::attribute && each.key == "name" && each.op == track::Operator::equal)
      return each.texts[0];
  return "";
}

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto asked = Asked::of(in, kStandardPage);
  if (in.failed()) return error_reply(in.error());
  const Searched<VersionEntry> how{
      .grammar = kGrammar,
      .cell = cell_of,
      .tags = [](const VersionEntry& version) -> const std::vector<track::KeyValue>& { return version.tags; },
      .order = {"last_updated_timestamp DESC", "name", "version_number DESC"},
      .key =
          [](const VersionEntry& version) {
            return Json::array({version.model, version.version});
          },
      .most = kLargestPage};
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto catalogue, read_catalogue(s, request.caller, only_name(asked)));
    auto versions = catalogue.versions;
    if (!asks_for_prompts(asked.filter, kGrammar)) {
      std::set<std::string> prompts;
      for (const auto& model : catalogue.models)
        if (registry::is_prompt(model.tags)) prompts.insert(model.name);
      std::erase_if(versions, [&](const VersionEntry& version) { return prompts.contains(version.model); });
    }
    MILLRACE_TRY(const auto page, select(std::move(versions), how, asked));
    Json out = Json::object();
    for (const auto& version : page.items) out["model_versions"].push_back(version_json(catalogue, version));
    if (!page.next.empty()) out["next_page_token"] = page.next;
    return out;
  }());
}

}  // namespace

void add_model_versions(Table& table) {
  const std::string base = "/model-versions";
  table.add({"POST", base + "/create", Permission::write, "model.version.created",
             "Makes a version from what a run or logged model left.", create});
  table.add({"PATCH", base + "/update", Permission::write, "model.version.updated", "Describes a version.", update});
  // The role depends on whether the stage is protected; the service knows.
  table.add({"POST", base + "/transition-stage", Permission::read, "model.stage.set", "Moves a version to a stage.",
             transition});
  table.add({"DELETE", base + "/delete", Permission::write, "model.version.deleted", "Deletes a version.", remove});
  table.add({"GET", base + "/get", Permission::read, "none", "One version of a registered model.", get});
  table.add(
      {"GET", base + "/get-download-uri", Permission::read, "none", "Where a version's files are.", download_uri});
  table.add({"GET", base + "/search", Permission::read, "none", "Versions of registered models.", search});
  table.add({"POST", base + "/set-tag", Permission::write, "model.version.tag.set", "Tags a version.", set_tag});
  table.add({"DELETE", base + "/delete-tag", Permission::write, "model.version.tag.deleted",
             "Removes a tag of a version.", delete_tag});
}

}  // namespace millrace::api::mlflow
