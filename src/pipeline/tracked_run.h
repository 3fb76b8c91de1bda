// The MLflow run that a command logs to: made before the command starts, ended with it, whether or not the command used
// it.
#pragma once
#include <string>

#include "core/caller.h"
#include "core/json.h"
#include "pipeline/pipeline.h"

namespace millrace::pipeline {

struct TrackedRun {
  std::string stage, key;
  const Json& components;
  bool verify = false;  // a repetition: tagged so, and no source of truth
};

// In the experiment that is named as the project. Answers the run's id.
Result<std::string> begin_run(const Parts& parts, const Caller& caller, const std::string& project,
                              const TrackedRun& run);
Result<void> end_run(const Parts& parts, const Caller& caller, const std::string& run_id, bool finished);

}  // namespace millrace::pipeline
