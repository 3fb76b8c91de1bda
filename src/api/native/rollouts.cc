#include <fmt/format.h>

#include "api/native/known.h"
#include "monitor/rollout/replay.h"

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

// The job's own work checks the rest.
Result<Json> replay(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"version", "from", "to"}));
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  MILLRACE_TRY(const auto version, get_integer(body, "version"));
  Json payload{{"deployment", in.arg("deployment")}, {"version", version}};
  for (const char* end : {"from", "to"}) {
    const auto text = string_or(body, end, "");
    if (text.empty()) continue;
    if (const auto time = parse_time(text); !time) return Error(time.error()).at_field(end);
    payload[end] = text;
  }
  MILLRACE_TRY(const auto job, s.jobs.submit(in.caller, {.kind = std::string(monitor::kReplayKind),
                                                         .key = fmt::format("{}@{}", in.arg("deployment"), version),
                                                         .payload = std::move(payload)}));
  return Json{{"id", job.id}, {"state", job.state}};
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
      {"POST", base + "/replay", Permission::write, kJsonBody, "job.submitted", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return replay(s, in); }, 202);
       },
       "What a version would have answered to the logged requests of a period (a job): {version, from, to}."},
  };
}

}  // namespace millrace::api::native
