#include "pipeline/runner.h"

#include <fmt/format.h>

#include "core/fault.h"
#include "pipeline/compare.h"
#include "pipeline/local/execute.h"
#include "pipeline/tracked_run.h"
#include "store/writer.h"

namespace millrace::pipeline {

Result<StageRecord> Runner::run(jobs::Running& running, const Task& task) {
  MILLRACE_DO(store_code(task));
  StageRecord record{.stage = task.stage.name,
                     .key = task.key,
                     .job = running.job().id,
                     .state = "done",
                     .components = task.components,
                     .started_at = parts_.context.now()};
  MILLRACE_DO(attempt(running, task, false, [&](const Attempt& attempt, const Made& made) -> Result<void> {
    for (const auto& out : made.outs) {
      MILLRACE_TRY(const auto digest, parts_.blobs.put_file(out.file));
      record.outs.push_back({out.path, digest, out.size});
    }
    if (made.undeclared > 0)
      running.log(fmt::format("[{}] {} files that are no outs are not kept", record.stage, made.undeclared));
    record.undeclared = made.undeclared;
    record.run_id = attempt.run_id;
    record.ended_at = parts_.context.now();
    FAULT_POINT("pipeline.run.before_record");
    MILLRACE_DO(records_.succeed(running.caller(), attempt, record, made.columns));
    FAULT_POINT("pipeline.run.after_record");
    return {};
  }));
  return record;
}

Result<VerifyReport> Runner::repeat(jobs::Running& running, const Task& task, const StageRecord& record,
                                    std::vector<Reason> environment) {
  VerifyReport report{.stage = record.stage,
                      .key = record.key,
                      .node = record.node(),
                      .same = true,
                      .environment = std::move(environment)};
  MILLRACE_DO(attempt(running, task, true, [&](const Attempt& attempt, const Made& made) -> Result<void> {
    for (const auto& out : made.outs) {
      const auto* recorded = record.out(out.path);
      if (recorded == nullptr)
        return Error{Code::corrupt, fmt::format("the record of '{}' has no out '{}'", record.stage, out.path)};
      MILLRACE_TRY(auto compared, compare_out(parts_.blobs, *recorded, out));
      report.same = report.same && compared.same;
      report.outs.push_back(std::move(compared));
    }
    return records_.verified(running.caller(), attempt, report, parts_.context.now());
  }));
  return report;
}

Result<void> Runner::attempt(jobs::Running& running, const Task& task, bool verify, const Finish& finish) {
  Attempt attempt{.workspace = running.caller().workspace,
                  .id = store::own_name(parts_.database, parts_.context.uuid()),
                  .stage = task.stage.name,
                  .key = task.key,
                  .job = running.job().id,
                  .started_at = parts_.context.now()};
  MILLRACE_DO(records_.begin(running.caller(), attempt, verify));
  auto done = body(running, task, attempt, verify, finish);
  if (done) return {};
  // The error that ended the attempt is the answer; what goes wrong while noting it is mended by the next start.
  if (!attempt.run_id.empty()) (void)end_run(parts_, running.caller(), attempt.run_id, false).ok();
  (void)records_.fail(running.caller(), attempt, done.error(), parts_.context.now()).ok();
  return std::move(done).error().while_doing(fmt::format("running the stage '{}'", task.stage.name));
}

Result<void> Runner::body(jobs::Running& running, const Task& task, Attempt& attempt, bool verify,
                          const Finish& finish) {
  if (task.stage.kind == StageKind::command && !task.options.tracking_uri.empty()) {
    const TrackedRun wanted{.stage = task.stage.name, .key = task.key, .components = task.components, .verify = verify};
    MILLRACE_TRY(attempt.run_id, begin_run(parts_, running.caller(), task.pipeline.project, wanted));
    MILLRACE_DO(records_.note_run(running.caller(), attempt));
  }
  FAULT_POINT("pipeline.run.after_start");
  MILLRACE_TRY(auto scratch, Scratch::make(parts_.work_folder, std::string(store::plain_name(attempt.id))));
  const Execution execution{.parts = parts_,
                            .running = running,
                            .components = task.components,
                            .stage = task.stage,
                            .run_id = attempt.run_id,
                            .tracking_uri = task.options.tracking_uri};
  MILLRACE_TRY(const auto made, execute(execution, scratch));
  FAULT_POINT("pipeline.run.after_command");
  // Before the record: if the process dies between the two, the next start marks the run as failed.
  if (!attempt.run_id.empty()) MILLRACE_DO(end_run(parts_, running.caller(), attempt.run_id, true));
  return finish(attempt, made);
}

// What runs is what was hashed: code goes into the store first and from there into the scratch folder.
Result<void> Runner::store_code(const Task& task) {
  for (const auto& [path, digest] : task.components.at("code").items()) {
    MILLRACE_TRY(const auto stored, parts_.blobs.put_file(task.pipeline.folder + "/" + path));
    if (stored != digest.get<std::string>())
      return Error{Code::conflict, fmt::format("the file '{}' changed while the stage started", path)}
          .at({.file = task.pipeline.folder + "/" + path})
          .hint("run it again");
  }
  return {};
}

}  // namespace millrace::pipeline
