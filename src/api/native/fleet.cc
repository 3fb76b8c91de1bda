#include <fmt/format.h>

#include "api/native/known.h"
#include "api/native/paging.h"
#include "api/native/reads.h"
#include "report/pages/features.h"
#include "report/pages/fleet.h"
#include "report/pages/live.h"
#include "report/pages/performance.h"

namespace millrace::api::native {
namespace {

constexpr int64_t kPeriodsMost = 60;

report::PageSources pages_of(Services& s) {
  return {s.context, s.database, s.registry, s.data_plane, s.rollouts, s.impact};
}

const Project* pointer(const std::optional<Project>& project) { return project ? &*project : nullptr; }

Result<Json> listed(Services& s, const Request& in,
                    const std::function<Result<std::vector<Json>>(const Project*)>& page) {
  MILLRACE_TRY(const auto slice, page_slice(in));
  MILLRACE_TRY(const auto project, optional_project(s));
  MILLRACE_TRY(const auto rows, page(pointer(project)));
  return page_of(rows, slice, [](const Json& row) { return row; });
}

Result<report::WindowChoice> choice_of(const Request& in, const std::string& arm, int64_t periods) {
  report::WindowChoice out{.arm = in.query_value("arm").value_or(arm)};
  if (out.arm != "all" && out.arm != "stable" && out.arm != "canary" && out.arm != "shadow")
    return Error{Code::invalid, fmt::format("there is no arm '{}'", out.arm.substr(0, 100))}.at_field("arm").hint(
        "all, stable, canary or shadow");
  MILLRACE_TRY(out.periods, query_integer(in, "windows", periods));
  if (out.periods < 1 || out.periods > kPeriodsMost)
    return Error{Code::invalid, fmt::format("'windows' must be from 1 to {}, not {}", kPeriodsMost, out.periods)}
        .at_field("windows")
        .hint("?from= and ?to= ask for others");
  MILLRACE_TRY(out.from, query_time(in, "from"));
  MILLRACE_TRY(out.to, query_time(in, "to"));
  return out;
}

Result<Json> live(Services& s, const Request& in) {
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  return report::live_page(pages_of(s), in.caller.workspace, in.arg("deployment"));
}

Result<Json> performance(Services& s, const Request& in) {
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  MILLRACE_TRY(const auto choice, choice_of(in, "all", 24));
  MILLRACE_TRY(const auto project, optional_project(s));
  return report::performance_page(pages_of(s), in.caller.workspace, pointer(project), in.arg("deployment"), choice);
}

Result<Json> features(Services& s, const Request& in) {
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  MILLRACE_TRY(const auto choice, choice_of(in, "all", 12));
  MILLRACE_TRY(const auto slice, page_slice(in));
  MILLRACE_TRY(const auto project, optional_project(s));
  MILLRACE_TRY(auto found,
               report::features_page(pages_of(s), in.caller.workspace, pointer(project), in.arg("deployment"), choice));
  Json out = page_of(found.features, slice, [](const Json& feature) { return feature; });
  out["features"] = std::move(out["items"]);
  out.erase("items");
  out["windows"] = std::move(found.windows);
  return out;
}

Result<Json> feature(Services& s, const Request& in) {
  MILLRACE_DO(must_be_known(s, in.caller.workspace, in.arg("deployment")));
  MILLRACE_TRY(const auto choice, choice_of(in, "all", 12));
  MILLRACE_TRY(const auto project, optional_project(s));
  return report::feature_page(pages_of(s), in.caller.workspace, pointer(project), in.arg("deployment"),
                              in.arg("feature"), choice);
}

}  // namespace

Routes fleet_routes(Services& s) {
  const std::string base = "/api/millrace/v1", deployment = base + "/deployments/{deployment}";
  const auto fleet = std::make_shared<report::Fleet>(pages_of(s));
  const auto reads = [&s](const std::string& path, Result<Json> (*work)(Services&, const Request&),
                          const std::string& summary) {
    return read_route(
        path, [&s, work](const Request& in) { return work(s, in); }, summary);
  };
  return {
      {"GET", base + "/fleet", Permission::read, kNoBody, "none", Run::worker,
       [&s, fleet](Request& in) {
         return answer(in, [&] {
           return listed(s, in, [&](const Project* project) { return fleet->page(in.caller.workspace, project); });
         });
       },
       "Every deployment with its versions, state and reasons, traffic, performance, drift and value; the worst "
       "first."},
      {"GET", base + "/deployments", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) {
         return answer(in, [&] {
           return listed(s, in, [&](const Project* project) {
             return report::deployments_page(pages_of(s), in.caller.workspace, project);
           });
         });
       },
       "The deployments that the project or a release names, each with its live release and open alerts."},
      reads(deployment + "/live", live,
            "What each arm does now: answers, refusals, errors, latency, scores, and the rollout under way."),
      reads(deployment + "/performance", performance,
            "How well answers came true: a series a metric, arm and version, calibration, confusion and labels; of "
            "?windows= newest or ?from=&to=."),
      reads(deployment + "/features", features,
            "Every feature with its distance from what the model was taught, a window each, worst first: "
            "?arm=all&windows=12."),
      reads(deployment + "/features/{feature}", feature,
            "One feature: its histogram in each window on the frozen edges, beside that of the reference."),
  };
}

}  // namespace millrace::api::native
