#include "pipeline/tracked_run.h"

#include <fmt/format.h>

#include "pipeline/trace.h"
#include "track/tracking.h"

namespace millrace::pipeline {

Result<std::string> begin_run(const Parts& parts, const Caller& caller, const std::string& project,
                              const TrackedRun& run) {
  MILLRACE_TRY(const auto experiment, parts.tracking.ensure_experiment(caller, project));
  track::NewRun wanted{.experiment_id = experiment,
                       .name = stage_node(run.stage, run.key).substr(std::string_view("stage:").size()),
                       .user_id = caller.subject};
  wanted.tags = {{"millrace.stage", run.stage},
                 {"millrace.stage_key", run.key},
                 {"millrace.code", string_or(run.components, "code_tree", "")},
                 {"mlflow.source.name", run.stage},
                 {"mlflow.source.type", "PROJECT"}};
  if (run.verify) wanted.tags.push_back({"millrace.verify", "true"});
  const auto& git = run.components.at("environment").value("git", Json());
  if (const auto commit = string_or(git, "commit", ""); !commit.empty()) {
    wanted.tags.push_back({"mlflow.source.git.commit", commit});
    wanted.tags.push_back({"millrace.git_dirty", to_text(git.value("dirty", Json()))});
  }
  MILLRACE_TRY(const auto made, parts.tracking.create_run(caller, wanted));
  return made.info.id;
}

Result<void> end_run(const Parts& parts, const Caller& caller, const std::string& run_id, bool finished) {
  const track::RunUpdate update{.status = finished ? "FINISHED" : "FAILED", .end_time = parts.context.now() / 1000};
  const auto done = parts.tracking.update_run(caller, run_id, update);
  return done ? Result<void>{} : done.error();
}

}  // namespace millrace::pipeline
