#include <algorithm>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "core/files.h"
#include "pipeline/key/components.h"
#include "pipeline/pipeline.h"
#include "pipeline/runner.h"
#include "pipeline/tracked_run.h"

namespace millrace::pipeline {
namespace {

// What a stage would stand on now.
struct Standing {
  Json components;
  std::string key;
  std::optional<StageRecord> record;  // of that key, with all its outs in the store
  std::vector<Reason> why;            // why there is none
};

Reason upstream_reason(const std::string& stage) {
  return {.component = "stages." + stage, .text = fmt::format("the stage '{}' it needs will run first", stage)};
}

// Work that a dead process left is ended in the name of the program itself.
Caller own_caller(const std::string& workspace) {
  return {.workspace = workspace, .subject = "millrace", .roles = {"writer"}, .via = "job"};
}

}  // namespace

struct Pipelines::State {
  explicit State(Parts given)
      : parts(std::move(given)),
        digests(parts.database, parts.journal, parts.context),
        records(parts.database, parts.journal),
        runner(parts, records) {}

  Result<Standing> stand(const Caller& caller, const Pipeline& pipeline, const Stage& stage, const Upstream& upstream);
  Result<std::vector<Reason>> missing_outs(const StageRecord& record) const;
  Result<StageRecord> bring(jobs::Running& running, const Pipeline& pipeline, const Stage& stage,
                            const Upstream& upstream, const RunOptions& options);
  Result<void> recover_once();

  Parts parts;
  FileDigests digests;
  Records records;
  Runner runner;
  std::mutex mutex;  // held while recovering, so that no run starts before the folder is clean
  bool recovered = false;
};

Pipelines::Pipelines(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}
Pipelines::~Pipelines() = default;

Result<std::vector<Reason>> Pipelines::State::missing_outs(const StageRecord& record) const {
  std::vector<Reason> out;
  for (const auto& made : record.outs) {
    MILLRACE_TRY(const bool there, parts.blobs.has(made.digest));
    if (!there)
      out.push_back({.component = "outs." + made.path,
                     .before = made.digest,
                     .text = fmt::format("the out {} is not in the store any more", made.path)});
  }
  return out;
}

Result<Standing> Pipelines::State::stand(const Caller& caller, const Pipeline& pipeline, const Stage& stage,
                                         const Upstream& upstream) {
  Standing out;
  ComponentsReader reader(parts, digests);
  auto components = reader.read(caller, pipeline, stage, upstream);
  if (!components)
    return std::move(components).error().while_doing(fmt::format("looking at the stage '{}'", stage.name));
  out.components = std::move(*components);
  out.key = key_of(out.components);
  MILLRACE_TRY(auto known, records.find(caller.workspace, stage.name, out.key));
  if (known) {
    MILLRACE_TRY(out.why, missing_outs(*known));
    if (out.why.empty()) out.record = std::move(known);
    return out;
  }
  MILLRACE_TRY(const auto last, records.current(caller.workspace, stage.name));
  if (last)
    out.why = differences(last->components, out.components);
  else
    out.why.push_back({.component = "first run", .text = "it has never run"});
  return out;
}

Result<std::vector<Plan>> Pipelines::plan(const Caller& caller, const Pipeline& pipeline,
                                          const std::vector<std::string>& wanted) {
  MILLRACE_TRY(const auto stages, pipeline.select(wanted));
  std::vector<Plan> out;
  std::map<std::string, StageRecord> known;
  for (const auto* stage : stages) {
    Plan plan{.stage = stage->name};
    for (const auto& dep : stage->stages)
      if (!known.contains(dep.name)) plan.why.push_back(upstream_reason(dep.name));
    if (plan.why.empty()) {
      MILLRACE_TRY(auto standing,
                   state_->stand(caller, pipeline, *stage, [&](const std::string& name) { return &known.at(name); }));
      plan.key = standing.key;
      plan.why = std::move(standing.why);
      plan.cached = standing.record.has_value();
      if (plan.cached) known.emplace(stage->name, std::move(*standing.record));
    }
    out.push_back(std::move(plan));
  }
  return out;
}

Result<Plan> Pipelines::why(const Caller& caller, const Pipeline& pipeline, const std::string& stage) {
  MILLRACE_TRY(auto plans, plan(caller, pipeline, {stage}));
  return std::move(plans.back());  // the wanted stage comes after all that it needs
}

Result<StageRecord> Pipelines::State::bring(jobs::Running& running, const Pipeline& pipeline, const Stage& stage,
                                            const Upstream& upstream, const RunOptions& options) {
  if (running.cancelled())
    return Error{Code::unavailable, fmt::format("cancelled before the stage '{}'", stage.name)}.hint(
        "run it again; finished stages are kept");
  const Caller& caller = running.caller();
  MILLRACE_TRY(auto standing, stand(caller, pipeline, stage, upstream));
  if (standing.record) {
    MILLRACE_TRY(const auto current, records.current(caller.workspace, stage.name));
    if (!current || current->key != standing.key) MILLRACE_DO(records.reuse(caller, *standing.record));
    running.log(fmt::format("[{}] cached: {}", stage.name, standing.record->node()));
    return std::move(*standing.record);
  }
  for (const auto& reason : standing.why) running.log(fmt::format("[{}] runs: {}", stage.name, reason.text));
  return runner.run(running, {.pipeline = pipeline,
                              .stage = stage,
                              .components = standing.components,
                              .key = standing.key,
                              .options = options});
}

Result<std::vector<StageRecord>> Pipelines::run(jobs::Running& running, const Pipeline& pipeline,
                                                const std::vector<std::string>& wanted, const RunOptions& options) {
  MILLRACE_DO(state_->recover_once());
  MILLRACE_TRY(const auto stages, pipeline.select(wanted));
  std::vector<StageRecord> out;
  std::map<std::string, StageRecord> known;
  for (const auto* stage : stages) {
    running.progress(static_cast<double>(out.size()) / static_cast<double>(stages.size()), stage->name);
    MILLRACE_TRY(auto record,
                 state_->bring(
                     running, pipeline, *stage, [&](const std::string& name) { return &known.at(name); }, options));
    known.emplace(stage->name, record);
    out.push_back(std::move(record));
  }
  running.progress(1.0, "done");
  return out;
}

Result<StageRecord> Pipelines::run_stage(jobs::Running& running, const Pipeline& pipeline, const std::string& stage,
                                         const RunOptions& options) {
  MILLRACE_DO(state_->recover_once());
  MILLRACE_TRY(const auto stages, pipeline.select({stage}));
  std::map<std::string, StageRecord> known;
  const auto upstream = [&](const std::string& name) { return &known.at(name); };
  for (const auto* needed : stages) {
    if (needed == stages.back()) break;
    MILLRACE_TRY(auto standing, state_->stand(running.caller(), pipeline, *needed, upstream));
    if (!standing.record)
      return Error{Code::conflict, fmt::format("the stage '{}' needs '{}', which is not current", stage, needed->name)}
          .hint(fmt::format("run '{}' first", needed->name));
    known.emplace(needed->name, std::move(*standing.record));
  }
  return state_->bring(running, pipeline, *stages.back(), upstream, options);
}

Result<VerifyReport> Pipelines::verify(jobs::Running& running, const Pipeline& pipeline, const std::string& stage,
                                       const RunOptions& options) {
  MILLRACE_DO(state_->recover_once());
  MILLRACE_TRY(const auto chosen, pipeline.select({stage}));
  const Stage& current = *chosen.back();
  const Caller& caller = running.caller();
  MILLRACE_TRY(const auto record, state_->records.current(caller.workspace, stage));
  if (!record)
    return Error{Code::rejected, fmt::format("the stage '{}' has never run, so there is nothing to repeat", stage)}
        .hint("millrace run " + stage);
  if (string_or(record->components, "kind", "") != (current.kind == StageKind::sql ? "sql" : "command"))
    return Error{Code::conflict, fmt::format("the stage '{}' is of another kind than its record", stage)}
        .at(current.where)
        .hint("run it first");
  EnvironmentReader reader(state_->parts, state_->digests);
  MILLRACE_TRY(auto environment, reader.read(caller, pipeline, current));
  const auto changed =
      differences({{"environment", record->components.at("environment")}}, {{"environment", std::move(environment)}});
  for (const auto& reason : changed) running.log(fmt::format("[{}] not as recorded: {}", stage, reason.text));
  return state_->runner.repeat(running,
                               {.pipeline = pipeline,
                                .stage = current,
                                .components = record->components,
                                .key = record->key,
                                .options = options},
                               *record, changed);
}

Result<std::optional<StageRecord>> Pipelines::latest(const std::string& workspace, const std::string& stage) const {
  return state_->records.current(workspace, stage);
}

Result<std::vector<StageRecord>> Pipelines::records(const std::string& workspace, const std::string& stage) const {
  return state_->records.newest(workspace, stage);
}

Result<std::string> Pipelines::out_path(const StageRecord& record, const std::string& path) const {
  const auto* out = record.out(path);
  if (out == nullptr)
    return Error{Code::not_found, fmt::format("the stage '{}' has no out '{}'", record.stage, path)}.hint(
        "look at the stage's outs in millrace.yaml");
  return state_->parts.blobs.path_of(out->digest);
}

Result<void> Pipelines::recover() { return state_->recover_once(); }

Result<void> Pipelines::State::recover_once() {
  const std::lock_guard lock(mutex);
  if (recovered) return {};
  MILLRACE_TRY(const auto left, records.cut_off());
  const Error reason{Code::unavailable, "the process died while the stage ran"};
  for (const auto& attempt : left) {
    const auto caller = own_caller(attempt.workspace);
    // The run may have been deleted meanwhile; the attempt is over all the same.
    if (!attempt.run_id.empty()) (void)end_run(parts, caller, attempt.run_id, false).ok();
    MILLRACE_DO(records.fail(caller, attempt, reason, parts.context.now()));
  }
  MILLRACE_DO(clear_work_folder(parts.work_folder));
  recovered = true;
  return {};
}

}  // namespace millrace::pipeline
