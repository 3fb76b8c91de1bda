#include "api/native/known.h"
#include "api/native/routes.h"
#include "report/render.h"

namespace millrace::api::native {
namespace {

Result<Json> facts(Services& s, const Request& in) {
  MILLRACE_TRY(const auto project, optional_project(s));
  return report::collect(s.report, in.caller.workspace, project ? &*project : nullptr);
}

Reply page_of(Services& s, const Request& in) {
  const auto document = facts(s, in);
  if (!document) return problem(document.error(), in.caller.request_id);
  auto reply = Reply::text(report::render(*document));
  reply.content_type = "text/html; charset=utf-8";
  reply.headers = {{"content-security-policy", report::content_security_policy()},
                   {"x-content-type-options", "nosniff"},
                   {"referrer-policy", "no-referrer"}};
  return reply;
}

Result<Json> impact(Services& s, const Request& in) {
  MILLRACE_TRY(const auto project, s.project());
  MILLRACE_TRY(const auto deployments, registry::read_deployments(project));
  MILLRACE_DO(find_spec(deployments, in.arg("deployment"), "deployment"));
  return s.impact.of(in.caller.workspace, project, in.arg("deployment"));
}

}  // namespace

Routes report_routes(Services& s) {
  const std::string base = "/api/millrace/v1";
  return {
      {"GET", base + "/report", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return facts(s, in); }); },
       "The facts of the report: data, models, traffic, windows, alerts, causes, impact, audit."},
      {"GET", base + "/report.html", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return page_of(s, in); }, "The report as one HTML file that asks for nothing else."},
      {"GET", base + "/deployments/{deployment}/impact", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return impact(s, in); }); },
       "What a deployment's answers were worth and cost, and how quickly the loop turned."},
  };
}

}  // namespace millrace::api::native
