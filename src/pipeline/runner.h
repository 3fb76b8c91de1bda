// One attempt at a stage: recorded as started, run in its scratch folder, ended for good or bad. Thread-safe.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "jobs/jobs.h"
#include "pipeline/local/scratch.h"
#include "pipeline/pipeline.h"
#include "pipeline/records.h"

namespace millrace::pipeline {

struct Task {
  const Pipeline& pipeline;
  const Stage& stage;
  const Json& components;
  std::string key;
  const RunOptions& options;
};

class Runner {
 public:
  Runner(const Parts& parts, Records& records) : parts_(parts), records_(records) {}

  // Stores the outs and the record. Nothing of a failed attempt is seen but its journal lines and its MLflow run,
  // marked FAILED.
  Result<StageRecord> run(jobs::Running& running, const Task& task);
  // Repeats `record` and compares; the outs are thrown away. `environment`: what is not as recorded, for the report.
  Result<VerifyReport> repeat(jobs::Running& running, const Task& task, const StageRecord& record,
                              std::vector<Reason> environment);

 private:
  using Finish = std::function<Result<void>(const Attempt&, const Made&)>;
  Result<void> attempt(jobs::Running& running, const Task& task, bool verify, const Finish& finish);
  Result<void> body(jobs::Running& running, const Task& task, Attempt& attempt, bool verify, const Finish& finish);
  Result<void> store_code(const Task& task);

  const Parts& parts_;
  Records& records_;
};

}  // namespace millrace::pipeline
