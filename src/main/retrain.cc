#include "main/retrain.h"

#include <fmt/format.h>

namespace millrace {
namespace {

Result<registry::ModelSpec> model_of(const Project& project, const std::string& deployment) {
  MILLRACE_TRY(const auto deployments, registry::read_deployments(project));
  MILLRACE_TRY(const auto models, registry::read_models(project));
  for (const auto& place : deployments) {
    if (place.name != deployment) continue;
    for (const auto& model : models)
      if (model.name == place.model) return model;
  }
  return Error{Code::not_found, fmt::format("the project has no deployment '{}' with a model", deployment)};
}

}  // namespace

Result<Json> retrain(jobs::Running& running, const Project& project, const Retraining& parts) {
  const auto& payload = running.job().payload;
  MILLRACE_TRY(const auto target, get_string(payload, "target"));
  MILLRACE_TRY(const auto model, model_of(project, string_or(payload, "deployment", "")));
  MILLRACE_TRY(const auto overrides, pipeline::read_overrides(payload));
  MILLRACE_TRY(const auto pipeline, pipeline::read_pipeline(project, overrides));
  MILLRACE_TRY(const auto records, parts.pipelines.run(running, pipeline, {target}, parts.options));
  running.progress(0.8, "registering the version");
  MILLRACE_TRY(const auto made, parts.registry.register_version(running.caller(), project, model));
  MILLRACE_TRY(const auto version, parts.registry.evaluate_gates(running.caller(), project, model, made.version));
  Json stages = Json::array(), failed = Json::array();
  for (const auto& record : records)
    stages.push_back({{"stage", record.stage},
                      {"node", record.node()},
                      {"action", record.job == running.job().id ? "ran" : "cached"}});
  for (const auto& gate : version.gates)
    if (!gate.ok) failed.push_back({{"gate", gate.kind}, {"reason", gate.reason}});
  running.log(fmt::format("{} is {}", version.node(), version.state));
  return Json{{"stages", stages}, {"model", version.node()}, {"model_state", version.state}, {"failed", failed}};
}

}  // namespace millrace
