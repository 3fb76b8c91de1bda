// Aliases with their history, and requests to move what is protected.
#include <fmt/format.h>

#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {
namespace {

Result<std::optional<Project>> project_of(Services& s) {
  auto project = s.project();
  if (project) return std::optional(std::move(*project));
  if (project.error().code() == Code::not_found) return std::optional<Project>();
  return std::move(project).error();
}
const Project* pointer(const std::optional<Project>& project) { return project ? &*project : nullptr; }

Result<Micros> as_of(Services& s, const Request& in) {
  const auto text = in.query_value("as_of");
  if (!text) return s.context.now();
  auto time = parse_time(*text);
  if (!time) return Error{Code::invalid, time.error().message()}.at_field("as_of").hint(time.error().hint());
  return time;
}

Result<Json> list(Services& s, const Request& in) {
  MILLRACE_TRY(const auto found, s.registry.requests(in.caller.workspace, in.query_value("model").value_or(""),
                                                     in.query_value("state").value_or("")));
  return page(found);
}

Result<Json> show(Services& s, const Request& in) {
  MILLRACE_TRY(const auto request, s.registry.request(in.caller.workspace, in.arg("request")));
  return request.to_json();
}

Result<Json> approve(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why"}));
  MILLRACE_TRY(const auto project, project_of(s));
  MILLRACE_TRY(const auto request,
               s.registry.approve_request(in.caller, pointer(project), in.arg("request"), string_or(body, "why", "")));
  return request.to_json();
}

Result<Json> reject(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why"}));
  MILLRACE_TRY(const auto request, s.registry.reject_request(in.caller, in.arg("request"), string_or(body, "why", "")));
  return request.to_json();
}

Result<Json> withdraw(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why"}));
  MILLRACE_TRY(const auto request,
               s.registry.withdraw_request(in.caller, in.arg("request"), string_or(body, "why", "")));
  return request.to_json();
}

Result<Json> alias(Services& s, const Request& in) {
  MILLRACE_TRY(const auto at, as_of(s, in));
  MILLRACE_TRY(const auto project, project_of(s));
  const auto &model = in.arg("model"), &name = in.arg("alias");
  MILLRACE_TRY(const auto move, s.registry.alias_at(in.caller.workspace, pointer(project), model, name, at));
  if (!move)
    return Error{Code::not_found,
                 fmt::format("'{}' of the model '{}' stood for no version at {}", name, model, to_iso(at))}
        .hint(fmt::format("millrace model alias {} {} --history", model, name));
  auto out = move->to_json();
  out["model"] = model;
  out["alias"] = name;
  out["as_of"] = to_iso(at);
  return out;
}

Result<Json> history(Services& s, const Request& in) {
  MILLRACE_TRY(const auto project, project_of(s));
  MILLRACE_TRY(const auto moves,
               s.registry.alias_moves(in.caller.workspace, pointer(project), in.arg("model"), in.arg("alias")));
  return page(moves);
}

Result<Json> set(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"version", "why"}));
  registry::Alias wanted{.model = in.arg("model"), .name = in.arg("alias"), .version = 0, .deployment = {}};
  MILLRACE_TRY(wanted.version, get_integer(body, "version"));
  MILLRACE_TRY(const auto project, project_of(s));
  MILLRACE_DO(s.registry.set_alias(in.caller, pointer(project), wanted, string_or(body, "why", "")));
  return Json{{"model", wanted.model}, {"alias", wanted.name}, {"version", wanted.version}};
}

Result<Json> back(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why"}));
  MILLRACE_TRY(const auto project, project_of(s));
  MILLRACE_TRY(const auto alias, s.registry.rollback_alias(in.caller, pointer(project), in.arg("model"),
                                                           in.arg("alias"), string_or(body, "why", "")));
  return Json{{"model", alias.model}, {"alias", alias.name}, {"version", alias.version}};
}

Result<Json> stage(Services& s, const Request& in) {
  MILLRACE_TRY(const auto at, as_of(s, in));
  MILLRACE_TRY(const auto found, s.registry.stage_at(in.caller.workspace, in.arg("model"), in.arg("stage"), at));
  auto out = page(found);
  out["as_of"] = to_iso(at);
  return out;
}

}  // namespace

Routes request_routes(Services& s) {
  const std::string requests = "/api/millrace/v1/requests", request = requests + "/{request}";
  const std::string alias_of = "/api/millrace/v1/models/{model}/aliases/{alias}";
  using Work = Result<Json> (*)(Services&, const Request&);
  const auto read = [&](const std::string& pattern, Work work, const std::string& summary) {
    return Route{"GET",
                 pattern,
                 Permission::read,
                 kNoBody,
                 "none",
                 Run::worker,
                 [&s, work](Request& in) { return answer(in, [&] { return work(s, in); }); },
                 summary};
  };
  // Who may do these is said by the request and the alias: the service knows.
  const auto write = [&](const std::string& method, const std::string& pattern, const std::string& audit, Work work,
                         const std::string& summary) {
    return Route{method,
                 pattern,
                 Permission::read,
                 kJsonBody,
                 audit,
                 Run::worker,
                 [&s, work](Request& in) { return answer(in, [&] { return work(s, in); }); },
                 summary};
  };
  return {
      read(requests, list, "Requests to move protected aliases and stages, newest first; of ?model=, in ?state=."),
      read(request, show, "One request: what it asks for, what it covers, its approvals."),
      write("POST", request + "/approvals", "model.request.approved", approve,
            "Approve a request for exactly the digests of now; the last approval that is needed carries it out."),
      write("POST", request + "/rejection", "model.request.rejected", reject, "Reject a request."),
      write("POST", request + "/withdrawal", "model.request.withdrawn", withdraw, "Take one's own request back."),
      read(alias_of, alias, "What an alias stands for, or stood for ?as_of= a time, with who and why."),
      read(alias_of + "/moves", history, "Every move of an alias, newest first."),
      write("PUT", alias_of, "model.alias.set", set, "Let an alias stand for a version, with a reason."),
      write("POST", alias_of + "/rollback", "model.alias.set", back,
            "Let an alias stand for what it stood for before."),
      read("/api/millrace/v1/models/{model}/stages/{stage}", stage,
           "The versions that stand in a stage, or stood in it ?as_of= a time."),
  };
}

}  // namespace millrace::api::native
