#include "api/native/reply.h"
#include "api/native/routes.h"
#include "api/native/signing.h"

namespace millrace::api::native {
namespace {

Json job_json(const jobs::Job& job) {
  Json out{{"id", job.id},
           {"kind", job.kind},
           {"key", job.key},
           {"state", job.state},
           {"payload", job.payload},
           {"result", job.result},
           {"progress", job.progress},
           {"attempts", job.attempts},
           {"subject", job.subject},
           {"created_at", to_iso(job.created_at)},
           {"updated_at", to_iso(job.updated_at)},
           {"error", job.error}};
  if (const auto* problem = find(job.result, "problem")) out["problem"] = *problem;  // as the job's work answered it
  return out;
}

Result<Json> status(Services& s) {
  Json out{{"version", MILLRACE_VERSION},
           {"http", s.http_address()},
           {"now", to_iso(s.context.now())},
           {"project", nullptr}};
  if (const auto project = s.project())
    out["project"] = {{"name", project->name}, {"folder", project->folder}, {"digest", project->digest}};
  else if (project.error().code() != Code::not_found)
    return project.error();
  return out;
}

Result<Json> one_job(Services& s, const Request& in) {
  MILLRACE_TRY(const auto seconds, query_integer(in, "wait", 0));
  if (seconds < 0 || seconds > 30) return Error{Code::invalid, "'wait' must be from 0 to 30 seconds"}.at_field("wait");
  MILLRACE_TRY(const auto job, seconds > 0 ? s.jobs.wait(in.caller.workspace, in.arg("id"), seconds * 1'000'000)
                                           : s.jobs.get(in.caller.workspace, in.arg("id")));
  return job_json(job);
}

Result<Json> job_list(Services& s, const Request& in) {
  MILLRACE_TRY(const auto jobs, s.jobs.list(in.caller.workspace, 200));
  Json items = Json::array();
  for (const auto& job : jobs) items.push_back(job_json(job));
  return Json{{"items", items}, {"next", nullptr}};
}

Result<Json> job_log(Services& s, const Request& in) {
  MILLRACE_TRY(const auto after, query_integer(in, "after", 0));
  MILLRACE_TRY(const auto lines, s.jobs.log_after(in.caller.workspace, in.arg("id"), after));
  Json items = Json::array();
  for (const auto& line : lines) items.push_back({{"line", line.line}, {"at", to_iso(line.at)}, {"text", line.text}});
  return Json{{"items", items}, {"next", nullptr}};
}

Result<Json> cancel_job(Services& s, const Request& in) {
  MILLRACE_DO(s.jobs.cancel(in.caller, in.arg("id")));
  return one_job(s, in);
}

}  // namespace

Routes system_routes(Services& s) {
  const std::string base = "/api/millrace/v1";
  return {
      {"GET", "/health", Permission::open, kNoBody, "none", Run::inline_, [](Request&) { return Reply::text("OK"); },
       "The process is up."},
      {"GET", "/metrics", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request&) {
         auto reply = Reply::text(s.metrics_text());
         reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
         return reply;
       },
       "Counters in Prometheus' text format."},
      {"GET", base + "/status", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return status(s); }); },
       "Version, address and project of this server."},
      {"GET", base + "/health/details", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request&) { return Reply::json(s.ui.health.look()); },
       "How the server is: store, disk, journal, jobs, serving, clock."},
      {"GET", base + "/jobs", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return job_list(s, in); }); }, "Background jobs, newest first."},
      {"GET", base + "/jobs/{id}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return one_job(s, in); }); },
       "One job; with ?wait=SECONDS the answer is held back until it changes."},
      {"GET", base + "/jobs/{id}/log", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return job_log(s, in); }); },
       "A job's log lines after ?after=LINE."},
      {"POST", base + "/jobs/{id}/cancel", Permission::write, kJsonBody, "job.cancelled", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return cancel_job(s, in); }); }, "Ask a job to end."},
  };
}

Routes routes(Services& services) {
  Routes all;
  for (auto* part :
       {&system_routes,  &dataset_routes, &pipeline_routes,  &model_routes,   &request_routes, &deployment_routes,
        &rollout_routes, &monitor_routes, &alert_routes,     &case_routes,    &trace_routes,   &report_routes,
        &lineage_routes, &audit_routes,   &token_routes,     &session_routes, &change_routes,  &view_routes,
        &search_routes,  &gc_routes,      &exchange_routes,  &signing_routes, &fleet_routes,   &run_routes,
        &graph_routes,   &source_routes,  &model_fact_routes})
    for (auto& route : part(services)) all.push_back(std::move(route));
  const auto document = std::make_shared<std::string>();
  all.push_back({"GET", "/api/millrace/v1/openapi.json", Permission::read, kNoBody, "none", Run::worker,
                 [document](Request&) {
                   auto reply = Reply::text(*document);
                   reply.content_type = "application/json";
                   return reply;
                 },
                 "This API's OpenAPI document, made from the table of routes."});
  *document = openapi_text(all);
  return all;
}

}  // namespace millrace::api::native
