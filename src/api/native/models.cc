#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

struct Named {
  Project project;
  registry::ModelSpec spec;
};

Result<Named> named_model(Services& s, const Request& in) {
  MILLRACE_TRY(auto project, s.project());
  MILLRACE_TRY(const auto models, registry::read_models(project));
  MILLRACE_TRY(auto spec, find_spec(models, in.arg("model"), "model"));
  return Named{std::move(project), std::move(spec)};
}

Result<Json> create(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {}));
  MILLRACE_TRY(const auto named, named_model(s, in));
  MILLRACE_TRY(const auto version, s.registry.register_version(in.caller, named.project, named.spec));
  return version.to_json();
}

Result<Json> list(Services& s, const Request& in, const std::string& model) {
  MILLRACE_TRY(const auto versions, s.registry.list(in.caller.workspace, model));
  return page(versions);
}

Result<Json> show(Services& s, const Request& in) {
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  MILLRACE_TRY(const auto version, s.registry.get(in.caller.workspace, in.arg("model"), number));
  return version.to_json();
}

Result<Json> gates(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {}));
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  MILLRACE_TRY(const auto named, named_model(s, in));
  MILLRACE_TRY(const auto version, s.registry.evaluate_gates(in.caller, named.project, named.spec, number));
  return version.to_json();
}

Result<Json> approve(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why"}));
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  MILLRACE_TRY(const auto named, named_model(s, in));
  MILLRACE_TRY(const auto version, s.registry.approve(in.caller, named.spec, number, string_or(body, "why", "")));
  return version.to_json();
}

Reply card(Services& s, const Request& in) {
  const auto text = [&]() -> Result<std::string> {
    MILLRACE_TRY(const auto number, arg_integer(in, "version"));
    MILLRACE_TRY(const auto named, named_model(s, in));
    return s.registry.card(in.caller.workspace, named.spec, number);
  }();
  if (!text) return problem(text.error(), in.caller.request_id);
  auto reply = Reply::text(*text);
  reply.content_type = "text/markdown; charset=utf-8";
  return reply;
}

}  // namespace

Routes model_routes(Services& s) {
  const std::string base = "/api/millrace/v1/models";
  const std::string version = base + "/{model}/versions/{version}";
  return {
      {"GET", base, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in, ""); }); }, "All model versions."},
      {"GET", base + "/{model}/versions", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in, in.arg("model")); }); }, "A model's versions."},
      {"POST", base + "/{model}/versions", Permission::write, kJsonBody, "model.version.created", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return create(s, in); }, 201);
       },
       "Make a version from the newest results of the model's stages."},
      {"GET", version, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return show(s, in); }); },
       "One version: digests, gates, approvals."},
      {"POST", version + "/gates", Permission::write, kJsonBody, "model.gates.evaluated", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return gates(s, in); }); },
       "Evaluate the gates and keep the evidence."},
      {"POST", version + "/approvals", Permission::approve, kJsonBody, "model.approved", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return approve(s, in); }, 201);
       },
       "Approve exactly the digests that the version stands on."},
      {"GET", version + "/card", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return card(s, in); }, "The model card as Markdown, written from the facts."},
  };
}

}  // namespace millrace::api::native
