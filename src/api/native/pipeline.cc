#include "api/native/reply.h"
#include "api/native/routes.h"
#include "pipeline/overview.h"

namespace millrace::api::native {
namespace {

Result<pipeline::Pipeline> pipeline_of(Services& s, const pipeline::Overrides& overrides = {}) {
  MILLRACE_TRY(const auto project, s.project());
  return pipeline::read_pipeline(project, overrides);
}

Result<Json> overview(Services& s, const Request& in) {
  MILLRACE_TRY(const auto pipeline, pipeline_of(s));
  return pipeline::overview(s.database, s.pipelines, in.caller, pipeline);
}

Result<Json> plan(Services& s, const Request& in) {
  MILLRACE_TRY(const auto pipeline, pipeline_of(s));
  std::vector<std::string> wanted;
  if (const auto stage = in.query_value("stage")) wanted.push_back(*stage);
  MILLRACE_TRY(const auto plans, s.pipelines.plan(in.caller, pipeline, wanted));
  Json items = Json::array();
  for (const auto& each : plans) {
    auto item = each.to_json();
    item["text"] = each.text();
    items.push_back(std::move(item));
  }
  return Json{{"items", items}, {"next", nullptr}};
}

Result<Json> start(Services& s, const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"stages", "verify", "horizon", "params"}));
  MILLRACE_TRY(const auto overrides, pipeline::read_overrides(body));
  MILLRACE_TRY(const auto pipeline, pipeline_of(s, overrides));
  std::vector<std::string> wanted;
  if (const auto* stages = find(body, "stages"); stages != nullptr) {
    if (!stages->is_array()) return Error{Code::invalid, "'stages' must be a list of names"}.at_field("stages");
    for (const auto& stage : *stages) wanted.push_back(stage.is_string() ? stage.get<std::string>() : to_text(stage));
  }
  MILLRACE_TRY(const auto selected, pipeline.select(wanted));  // unknown stages are refused now, not by the job
  Json payload{{"stages", wanted}, {"verify", body.value("verify", Json(false))}};
  for (const char* key : {"horizon", "params"})
    if (const auto* value = find(body, key); value != nullptr && !value->is_null()) payload[key] = *value;
  if (!payload["verify"].is_boolean()) return Error{Code::invalid, "'verify' must be true or false"}.at_field("verify");
  MILLRACE_TRY(
      const auto job,
      s.jobs.submit(in.caller, {.kind = std::string(pipeline::kJobKind), .key = to_text(payload), .payload = payload}));
  return Json{{"id", job.id}, {"state", job.state}, {"stages", selected.size()}};
}

// "STAGE/PATH" -> the newest record's out, with a file to read it from for callers on this machine.
Result<Json> out(Services& s, const Request& in) {
  const auto path = in.query_value("path").value_or("");
  const auto slash = path.find('/');
  if (slash == std::string::npos) return Error{Code::invalid, "'path' must be STAGE/FILE"}.at_field("path");
  const auto stage = path.substr(0, slash);
  MILLRACE_TRY(const auto record, s.pipelines.latest(in.caller.workspace, stage));
  if (!record) return Error{Code::not_found, "the stage '" + stage + "' has not run"}.hint("millrace run " + stage);
  const auto* found = record->out(path.substr(slash + 1));
  if (found == nullptr)
    return Error{Code::not_found, "the stage '" + stage + "' has no out '" + path.substr(slash + 1) + "'"};
  Json answer{{"stage", record->node()}, {"path", found->path}, {"digest", found->digest}, {"size", found->size}};
  if (in.caller.via == "cli") {
    MILLRACE_TRY(answer["file"], s.pipelines.out_path(*record, found->path));
  }
  return answer;
}

Result<Json> records(Services& s, const Request& in) {
  MILLRACE_TRY(const auto found, s.pipelines.records(in.caller.workspace, in.arg("stage")));
  return page(found);
}

}  // namespace

Routes pipeline_routes(Services& s) {
  const std::string base = "/api/millrace/v1/pipeline";
  return {
      {"GET", base, Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return overview(s, in); }); },
       "The stages, what they need of each other, where each stands and why, and what ran lately."},
      {"GET", base + "/plan", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return plan(s, in); }); },
       "What a run would do now and why, of ?stage=NAME and what it needs or of all."},
      {"POST", base + "/runs", Permission::write, kJsonBody, "job.submitted", Run::worker,
       [&s](Request& in) {
         return answer(
             in, [&] { return start(s, in); }, 202);
       },
       "Run stages whose inputs changed, or verify one (a job)."},
      {"GET", base + "/outs", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return out(s, in); }); }, "The newest out at ?path=STAGE/FILE."},
      {"GET", base + "/stages/{stage}/records", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return records(s, in); }); },
       "Finished runs of a stage, newest first."},
  };
}

}  // namespace millrace::api::native
