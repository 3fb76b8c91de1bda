// The job monitor::kRetrainJob: the pipeline up to a stage with what is known by now, then a new version of the model
// with its gates evaluated. It releases nothing: a person approves and releases.
//   payload that of monitor::kRetrainJob
//   result  {stages: [{stage, node, action}], model: node, model_state, failed: [{gate, reason}]}
#pragma once
#include "core/project.h"
#include "jobs/jobs.h"
#include "pipeline/pipeline.h"
#include "registry/registry.h"

namespace millrace {

struct Retraining {
  pipeline::Pipelines& pipelines;
  registry::Registry& registry;
  pipeline::RunOptions options;
};

Result<Json> retrain(jobs::Running& running, const Project& project, const Retraining& parts);

}  // namespace millrace
