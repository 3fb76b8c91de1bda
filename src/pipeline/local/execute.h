// One run of a stage from its components in a scratch folder; the same for the first run and for a repetition.
#pragma once
#include <string>

#include "core/json.h"
#include "jobs/jobs.h"
#include "pipeline/local/scratch.h"
#include "pipeline/pipeline.h"

namespace millrace::pipeline {

struct Execution {
  const Parts& parts;
  jobs::Running& running;
  const Json& components;  // of the stage; its blobs are in the store
  const Stage& stage;      // its timeout and env; what decides is read from the components
  std::string run_id;      // MLflow's run, or ""
  std::string tracking_uri;
};

// Fills `scratch`, runs the stage and answers what it made there. `rejected` with the last lines of output when a
// command fails.
Result<Made> execute(const Execution& execution, Scratch& scratch);

Result<Made> execute_command(const Execution& execution, Scratch& scratch);
Result<Made> execute_sql(const Execution& execution, Scratch& scratch);

}  // namespace millrace::pipeline
