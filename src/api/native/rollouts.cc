#include "api/native/known.h"

namespace millrace::api::native {
namespace {

Result<Json> hold(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why", "rollback"}));
  const auto* rollback = find(body, "rollback");
  if (rollback != nullptr && !rollback->is_boolean())
    return Error{Code::invalid, "rollback is true or false"}.at_field("rollback");
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  MILLRACE_TRY(const auto held, s.rollouts.hold(in.caller, in.arg("deployment"), string_or(body, "why", ""),
                                                rollback != nullptr && rollback->get<bool>()));
  return held.to_json();
}

Result<Json> resume(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why"}));
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  MILLRACE_DO(s.rollouts.resume(in.caller, in.arg("deployment"), string_or(body, "why", "")));
  return s.rollouts.status(in.caller.workspace, in.arg("deployment"));
}

Result<Json> difference(Services& s, const Request& in) {
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  MILLRACE_TRY(const auto version, query_integer(in, "version", 0));
  return s.rollouts.difference(in.caller.workspace, in.arg("deployment"), version);
}

}  // namespace

Routes rollout_routes(Services& s) {
  const std::string base = "/api/millrace/v1/deployments/{deployment}";
  return {
      {"GET", base + "/rollout", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) {
         return answer(in, [&] { return s.rollouts.status(in.caller.workspace, in.arg("deployment")); });
       },
       "How far the canary's rollout has come: the evidence on each guardrail, what comes next, and what was decided "
       "last."},
      {"POST", base + "/rollout/hold", Permission::approve, kJsonBody, "rollout.held", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return hold(s, in); }); },
       "The policy no longer moves the canary: {why, rollback: true when it is not taken back either}."},
      {"POST", base + "/rollout/resume", Permission::approve, kJsonBody, "rollout.resumed", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return resume(s, in); }); }, "The policy goes on: {why}."},
      {"GET", base + "/difference", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return difference(s, in); }); },
       "A shadow's answers beside those that were given, by row and by segment: ?version=N."},
  };
}

}  // namespace millrace::api::native
