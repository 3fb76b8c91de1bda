// The job `model.retrain`: the pipeline up to a stage with what is known by now, then a new version of the model with
// its gates evaluated. It releases nothing: a person approves and releases.
//   payload {deployment, target: a stage, horizon: day that training may know up to, alert: id or ""}
//   result  {stages: [...], model: node, version, state, failed: gates that failed}
#pragma once
#include "core/project.h"
#include "jobs/jobs.h"
#include "pipeline/pipeline.h"
#include "registry/registry.h"

namespace millrace {

inline constexpr std::string_view kRetrainJob = "model.retrain";

struct Retraining {
  pipeline::Pipelines& pipelines;
  registry::Registry& registry;
  pipeline::RunOptions options;
};

Result<Json> retrain(jobs::Running& running, const Project& project, const Retraining& parts);

}  // namespace millrace
