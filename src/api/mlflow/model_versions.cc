#include "api/mlflow/registry.h"

namespace millrace::api::mlflow {
namespace {

constexpr int64_t kStandardPage = 10'000;

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
    MILLRACE_TRY(const auto version, s.registry->create_version(request.caller, pointer_to(project), wanted));
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
    MILLRACE_DO(s.registry->set_stage(request.caller, pointer_to(project), move));
    return version_now(s, request.caller, named.model, move.version);
  }());
}

Reply remove(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto named = Named::of(in);
  if (in.failed()) return error_reply(in.error());
  return on_version(named, [&](int64_t version) -> Result<void> {
    MILLRACE_TRY(const auto project, project_of(s));
    return s.registry->delete_version(request.caller, pointer_to(project), named.model, version);
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

Reply search(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto asked = search_of(in, kStandardPage);
  if (in.failed()) return error_reply(in.error());
  return reply_json([&]() -> Result<Json> {
    MILLRACE_TRY(const auto project, project_of(s));
    MILLRACE_TRY(const auto page, s.registry->search_versions(request.caller.workspace, pointer_to(project), asked));
    Json out = Json::object();
    for (const auto& version : page.items) out["model_versions"].push_back(version_json(version));
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
