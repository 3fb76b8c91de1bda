// The job `pipeline.run`, and how plans and results read.
#include <fmt/format.h>

#include "pipeline/bounds.h"
#include "pipeline/pipeline.h"

namespace millrace::pipeline {
namespace {

struct Payload {
  std::vector<std::string> stages;
  bool verify = false;
};

Result<Payload> read_payload(const Json& payload) {
  const auto wrong = [](std::string_view what) {
    return Error{Code::invalid, std::string(what)}.at_field("payload").hint("write {stages: [NAME...], verify: false}");
  };
  if (!payload.is_object()) return wrong("the payload is no object");
  Payload out;
  for (const auto& [key, value] : payload.items()) {
    if (key == "stage" && value.is_null()) continue;
    if (key == "stage" && value.is_string())
      out.stages.push_back(value.get<std::string>());
    else if (key == "verify" && value.is_boolean())
      out.verify = value.get<bool>();
    else if (key == "horizon" || key == "params")
      continue;  // read_overrides() has judged them
    else if (key == "stages" && value.is_array() && value.size() <= bounds::stages) {
      for (const auto& name : value) {
        if (!name.is_string()) return wrong("a stage's name is text");
        out.stages.push_back(name.get<std::string>());
      }
    } else
      return wrong(fmt::format("the payload's '{}' is unknown or of the wrong type", key));
  }
  return out;
}

Result<Json> repeat(Pipelines& pipelines, jobs::Running& running, const Pipeline& pipeline, const Payload& payload,
                    const RunOptions& options) {
  if (payload.stages.empty()) return Error{Code::invalid, "name the stage to repeat"}.at_field("payload.stages");
  Json reports = Json::array();
  bool ok = true;
  std::string text;
  for (const auto& stage : payload.stages) {
    running.progress(static_cast<double>(reports.size()) / static_cast<double>(payload.stages.size()), stage);
    MILLRACE_TRY(const auto report, pipelines.verify(running, pipeline, stage, options));
    ok = ok && report.same;
    text += report.text();
    reports.push_back(report.to_json());
  }
  return Json{{"ok", ok}, {"text", text}, {"reports", reports}};
}

std::string line_of(const StageRecord& record, bool ran) {
  std::string out = fmt::format(
      "{:<14} {}", record.stage,
      ran ? fmt::format("ran in {:.1f} s", static_cast<double>(record.ended_at - record.started_at) / 1e6) : "cached");
  for (const auto& made : record.outs) out += fmt::format("  {} {}", made.path, made.digest.substr(0, 19));
  return out + "\n";
}

Json to_json(const Reason& reason) {
  return {{"component", reason.component}, {"before", reason.before}, {"after", reason.after}, {"text", reason.text}};
}

}  // namespace

Result<Json> Pipelines::work(jobs::Running& running, const Pipeline& pipeline, const RunOptions& options) {
  MILLRACE_TRY(const auto payload, read_payload(running.job().payload));
  if (payload.verify) return repeat(*this, running, pipeline, payload, options);
  MILLRACE_TRY(const auto records, run(running, pipeline, payload.stages, options));
  Json stages = Json::array();
  std::string text;
  for (const auto& record : records) {
    const bool ran = record.job == running.job().id;
    auto stage = record.to_json();
    stage.erase("components");
    stage["action"] = ran ? "ran" : "cached";
    stages.push_back(std::move(stage));
    text += line_of(record, ran);
  }
  return Json{{"ok", true}, {"text", text}, {"stages", stages}};
}

Json Plan::to_json() const {
  Json reasons = Json::array();
  for (const auto& reason : why) reasons.push_back(pipeline::to_json(reason));
  return {{"stage", stage}, {"action", cached ? "cached" : "run"}, {"key", key}, {"why", reasons}};
}

std::string Plan::text() const {
  std::string out = cached ? fmt::format("{} is cached: nothing that it stands on has changed\n", stage)
                           : fmt::format("{} will run:\n", stage);
  for (const auto& reason : why) out += fmt::format("  {}\n", reason.text);
  return out;
}

}  // namespace millrace::pipeline
