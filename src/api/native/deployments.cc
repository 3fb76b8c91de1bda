#include "api/native/known.h"

namespace millrace::api::native {
namespace {

Result<Json> create(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"version", "why"}));
  MILLRACE_TRY(const auto version, get_integer(body, "version"));
  MILLRACE_TRY(const auto project, s.project());
  MILLRACE_TRY(const auto deployments, registry::read_deployments(project));
  MILLRACE_TRY(const auto spec, find_spec(deployments, in.arg("deployment"), "deployment"));
  MILLRACE_TRY(const auto release, s.registry.release(in.caller, project, spec, version, string_or(body, "why", "")));
  return release.to_json();
}

Result<Json> rollback(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why"}));
  MILLRACE_TRY(const auto release, s.registry.rollback(in.caller, in.arg("deployment"), string_or(body, "why", "")));
  return release.to_json();
}

Result<Json> list(Services& s, const Request& in) {
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  MILLRACE_TRY(const auto releases, s.registry.releases(in.caller.workspace, in.arg("deployment")));
  return page(releases);
}

Result<Json> predictions(Services& s, const Request& in) {
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  return s.data_plane.count_predictions(in.arg("deployment"), in.query_value("input").value_or(""));
}

Result<Json> seal(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {}));
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  MILLRACE_TRY(const auto job, s.jobs.submit(in.caller, {.kind = "predictions.seal",
                                                         .key = in.arg("deployment"),
                                                         .payload = {{"deployment", in.arg("deployment")}},
                                                         .max_attempts = 3}));
  return Json{{"id", job.id}, {"state", job.state}};
}

}  // namespace

Routes deployment_routes(Services& s) {
  const std::string base = "/api/millrace/v1/deployments/{deployment}";
  return {
      {"POST", base + "/releases", Permission::approve, kJsonBody, "release.created", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return create(s, in); }, 201);
       },
       "Put an approved version on the deployment's traffic."},
      {"GET", base + "/releases", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in); }); },
       "The deployment's releases, newest first."},
      {"POST", base + "/rollback", Permission::approve, kJsonBody, "release.created", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return rollback(s, in); }, 201);
       },
       "Go back to the release before, as a release of its own."},
      {"GET", base + "/predictions", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return predictions(s, in); }); },
       "How many predictions the log holds, of ?input=DIGEST if given."},
      {"POST", base + "/seal", Permission::write, kJsonBody, "job.submitted", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return seal(s, in); }, 202);
       },
       "Turn the closed part of the prediction log into Parquet (a job)."},
      {"GET", "/api/millrace/v1/predictions/{id}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return s.data_plane.find_prediction(in.arg("id")); }); },
       "One prediction from the log."},
  };
}

}  // namespace millrace::api::native
