#include "api/native/known.h"

namespace millrace::api::native {
namespace {

// What the body of a move says; absent fields keep their defaults.
Result<registry::Move> move_of(const Json& body) {
  registry::Move out{.why = string_or(body, "why", "")};
  if (find(body, "version") != nullptr) {
    MILLRACE_TRY(out.version, get_integer(body, "version"));
  }
  if (find(body, "live") != nullptr) {
    MILLRACE_TRY(out.live, get_integer(body, "live"));
  }
  if (const auto* aa = find(body, "aa")) {
    if (!aa->is_boolean()) return Error{Code::invalid, "aa is true or false"}.at_field("aa");
    out.aa = aa->get<bool>();
  }
  if (find(body, "share") != nullptr) {
    MILLRACE_TRY(out.share, get_number(body, "share"));
  }
  return out;
}

struct Named {
  Project project;
  registry::DeploymentSpec spec;
};

Result<Named> named_deployment(Services& s, const Request& in) {
  MILLRACE_TRY(auto project, s.project());
  MILLRACE_TRY(const auto deployments, registry::read_deployments(project));
  MILLRACE_TRY(auto spec, find_spec(deployments, in.arg("deployment"), "deployment"));
  return Named{std::move(project), std::move(spec)};
}

Result<Json> create(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"version", "why", "arm", "share", "live", "aa"}));
  MILLRACE_TRY(const auto move, move_of(body));
  const auto arm = string_or(body, "arm", "stable");
  if (move.aa && arm != "canary")
    return Error{Code::invalid, "an A/A is a canary's; the arm is '" + arm.substr(0, 100) + "'"}.at_field("aa").hint(
        "leave it out, or say \"arm\": \"canary\"");
  if (!move.aa) {
    MILLRACE_TRY(const auto version, get_integer(body, "version"));
    (void)version;  // asked for here, where a promotion may leave it out
  }
  if (move.share && arm != "canary")
    return Error{Code::invalid, "a share is a canary's; the arm is '" + arm.substr(0, 100) + "'"}
        .at_field("share")
        .hint("leave it out, or say \"arm\": \"canary\"");
  MILLRACE_TRY(const auto named, named_deployment(s, in));
  const auto take = arm == "stable"   ? s.registry.release(in.caller, named.project, named.spec, move)
                    : arm == "canary" ? s.registry.canary(in.caller, named.project, named.spec, move)
                    : arm == "shadow"
                        ? s.registry.shadow(in.caller, named.project, named.spec, move)
                        : Error{Code::invalid, "there is no arm '" + arm.substr(0, 100) + "'"}.at_field("arm").hint(
                              "stable, canary or shadow");
  MILLRACE_TRY(const auto release, take);
  return release.to_json();
}

Result<Json> promote(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"version", "why", "live"}));
  MILLRACE_TRY(const auto move, move_of(body));
  MILLRACE_TRY(const auto named, named_deployment(s, in));
  MILLRACE_TRY(const auto release, s.registry.promote(in.caller, named.project, named.spec, move));
  return release.to_json();
}

Result<Json> rollback(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why", "live"}));
  MILLRACE_TRY(const auto move, move_of(body));
  MILLRACE_TRY(const auto release, s.registry.rollback(in.caller, in.arg("deployment"), move));
  return release.to_json();
}

Result<Json> stop(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"why", "live"}));
  MILLRACE_TRY(const auto move, move_of(body));
  MILLRACE_TRY(const auto release, s.registry.stop(in.caller, in.arg("deployment"), move));
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
  const auto moves = [&](const std::string& last, Result<Json> (*work)(Services&, const Request&),
                         const std::string& summary) {
    return Route{"POST",
                 base + last,
                 Permission::approve,
                 kJsonBody,
                 "release.created",
                 Run::worker,
                 [&s, work](Request& in) {
                   return answer(
                       in, [&] { return work(s, in); }, 201);
                 },
                 summary};
  };
  return {
      moves(
          "/releases", create,
          "Put a version on an arm of the deployment: stable (the default) or canary when it is approved, shadow when "
          "its gates have passed."),
      {"GET", base + "/releases", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return list(s, in); }); },
       "The deployment's releases with their arms, newest first."},
      moves("/promote", promote, "Make the canary, or the named shadow, the stable arm."),
      moves("/rollback", rollback, "End the canary, or go back to the version before, as a release of its own."),
      moves("/stop", stop, "End canary and shadows; the stable arm stays."),
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
       "One prediction from the log, with what the shadows made of it."},
  };
}

}  // namespace millrace::api::native
