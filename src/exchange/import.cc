#include "exchange/import.h"

#include <map>
#include <set>

#include <unistd.h>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"
#include "exchange/facts.h"
#include "exchange/here.h"
#include "exchange/import_registered.h"
#include "exchange/import_report.h"
#include "exchange/one_by_one.h"
#include "exchange/progress.h"
#include "exchange/sources/source.h"
#include "exchange/sources/source_files.h"
#include "track/importing.h"

namespace millrace::exchange {
namespace {

constexpr size_t kBatch = 1'000;  // points of one call
constexpr int64_t kSayEvery = 100;

// Where the artifacts of a run or model come from and go to.
struct Plan {
  std::string uri;  // here; "" = where this server keeps them
  Found found;
  std::vector<SourceFile> files;
  Manifest manifest;
  bool with_files = false;
};

class Import {
 public:
  Import(const ImportParts& parts, jobs::Running& running, const ImportOptions& options, std::unique_ptr<Source> source,
         SourceFiles files)
      : parts_(parts),
        running_(running),
        options_(options),
        caller_(running.caller()),
        source_(std::move(source)),
        files_(std::move(files)),
        importing_(parts.database, parts.journal, parts.context),
        progress_(parts.database, caller_.workspace, source_->name()),
        here_(parts.tracking, caller_),
        one_by_one_(running, report_) {}

  Result<Json> work() {
    MILLRACE_TRY(experiments_, source_->experiments());
    MILLRACE_DO(settle_experiments());
    for (const auto& experiment : experiments_) {
      MILLRACE_TRY(const auto models, source_->model_ids(experiment.id));
      for (const auto& id : models)
        MILLRACE_DO(one_by_one_.take("model", id, [&] { return take_model(experiment, id); }));
      MILLRACE_TRY(const auto runs, source_->run_ids(experiment.id));
      for (const auto& id : runs) {
        MILLRACE_DO(one_by_one_.take("run", id, [&] { return take_run(experiment, id); }));
        say_progress();
      }
    }
    RegisteredImport registered({parts_, options_, *source_, progress_, one_by_one_, report_, caller_});
    MILLRACE_DO(registered.take());
    if (!options_.dry_run) {
      for (const auto& experiment : experiments_) MILLRACE_DO(compare(experiment));
      MILLRACE_DO(registered.compare());
    }
    MILLRACE_TRY(const auto left_out, source_->left_out());
    auto report = report_.to_json(options_.dry_run);
    report["source"] = source_->name();
    report["left_out"] = left_out;
    return report;
  }

 private:
  struct Target {
    std::string id;
    bool merged = false;  // it was here before, under this name
  };

  void say_progress() {
    if (++seen_ % kSayEvery == 0) running_.progress(0, fmt::format("{} runs", seen_));
  }

  // --- experiments

  Result<void> settle_experiments() {
    std::vector<track::Experiment> taken;
    for (const auto& experiment : experiments_) {
      report_.count(facts_of(experiment));
      if (options_.dry_run) {
        targets_[experiment.id] = {experiment.id};
        continue;
      }
      MILLRACE_DO(one_by_one_.take("experiment", experiment.id, [&] { return settle_experiment(experiment); }));
    }
    return {};
  }

  Result<void> settle_experiment(const track::Experiment& experiment, bool again = false) {
    MILLRACE_TRY(const auto step, progress_.find("experiment", experiment.id));
    auto known = parts_.tracking.get_experiment_by_name(caller_, experiment.name);
    if (!known && known.error().code() != Code::not_found) return std::move(known).error();
    const bool ours = step && known && step->target == known->id;
    if (ours && step->digest == facts_of(experiment).digest()) {
      targets_[experiment.id] = {known->id, step->state == "merged"};
      return {};
    }
    if (!known) {
      auto added = add(experiment);
      if (added || added.error().code() != Code::conflict || again) return added;
      return settle_experiment(experiment, true);  // somebody made one of this name meanwhile
    }
    const bool is_default = known->id == "0";
    if (!ours && !is_default && options_.refuse_clash)
      return Error{Code::conflict, fmt::format("there is an experiment '{}' here already", experiment.name)}.hint(
          "--on-clash merge puts its runs beside those that are here; or rename the one here");
    if (known->lifecycle_stage != "active" && experiment.lifecycle_stage == "active")
      return Error{Code::conflict, fmt::format("the experiment '{}' is deleted here", experiment.name)}.hint(
          "restore it first, or rename the one in the source");
    return merge(experiment, known->id);
  }

  Result<void> add(const track::Experiment& experiment) {
    MILLRACE_TRY(
        const auto id,
        importing_.add_experiment(caller_, experiment, [&](store::Session& session, const std::string& target) {
          return progress_.note(session, "experiment", experiment.id, {target, "done", facts_of(experiment).digest()});
        }));
    targets_[experiment.id] = {id};
    return {};
  }

  Result<void> merge(track::Experiment experiment, const std::string& id) {
    const auto was = experiment.id;
    const Step step{id, "merged", facts_of(experiment).digest()};
    experiment.id = id;
    MILLRACE_DO(importing_.add_experiment_tags(caller_, experiment, [&](store::Session& session) {
      return progress_.note(session, "experiment", was, step);
    }));
    targets_[was] = {id, true};
    return {};
  }

  Result<std::string> target_of(const track::Experiment& experiment) const {
    const auto found = targets_.find(experiment.id);
    if (found != targets_.end()) return found->second.id;
    return Error{Code::conflict, fmt::format("its experiment '{}' was not taken", experiment.name)};
  }

  // --- artifacts

  Result<Plan> plan(const std::string& kind, const std::string& id, const std::string& uri) {
    Plan plan{.with_files = options_.artifacts == Artifacts::copy};
    if (options_.artifacts == Artifacts::none || uri.empty()) return plan;
    auto found = files_.find(uri);
    if (options_.artifacts == Artifacts::reference) {
      const bool is_path = found && found->root != nullptr;
      if (is_path || !uri.starts_with("mlflow-artifacts:")) plan.uri = is_path ? found->path() : uri;
      if (plan.uri.empty()) one_by_one_.refuse(kind + " artifacts", id, behind_proxy(uri));
      return plan;
    }
    if (!found && is_of_the_thing(found.error())) {
      one_by_one_.refuse(kind + " artifacts", id, found.error());
      return plan;
    }
    MILLRACE_TRY(plan.found, std::move(found));
    MILLRACE_TRY(plan.files, SourceFiles::list(plan.found, [&](const std::string& path, const std::string& why) {
                   one_by_one_.refuse(kind + " artifacts", id, Error{Code::invalid, fmt::format("{}: {}", path, why)});
                 }));
    plan.manifest = manifest_of(plan.files);
    return plan;
  }

  static Error behind_proxy(const std::string& uri) {
    return Error{Code::denied, fmt::format("{} is behind its server's proxy", uri)}.hint(
        "name the folder where that server keeps artifacts with --artifact-root DIR");
  }

  // `folder`: the artifacts' folder here. A file that is there with the same bytes is left alone.
  Result<void> copy_files(const Plan& plan, const std::string& folder) {
    if (plan.files.empty()) return {};
    MILLRACE_TRY(const auto there, here_.files(folder));
    std::map<std::string, std::string> digests;
    for (const auto& file : there) digests.emplace(file.path, file.digest);
    for (const auto& file : plan.files) {
      if (const auto known = digests.find(file.path); known != digests.end() && known->second == file.digest) continue;
      const auto spool = fmt::format("{}/import-{}", parts_.temp_folder, parts_.context.uuid());
      MILLRACE_TRY(const auto digest, SourceFiles::copy(plan.found, file.path, spool));
      FAULT_POINT("exchange.artifact.copied");
      auto put = digest == file.digest
                     ? parts_.tracking.put_artifact(caller_, folder + "/" + file.path, spool)
                     : Result<void>(Error{Code::corrupt, fmt::format("{} changed while it was read", file.path)}.hint(
                           "run the import again"));
      if (!put) ::unlink(spool.c_str());
      MILLRACE_DO(std::move(put));
    }
    return {};
  }

  // --- runs

  // The source's run as it is to be here.
  Result<track::Run> read_run(const track::Experiment& experiment, const std::string& id) {
    MILLRACE_TRY(auto run, source_->run(experiment.id, id));
    MILLRACE_TRY(run.info.experiment_id, target_of(experiment));
    for (const auto& tag : run.tags)
      if (tag.key == "mlflow.runName" && run.info.name.empty()) run.info.name = tag.value;
    return run;
  }

  // `source` names the run as the source knows it.
  Result<std::map<std::string, Series>> read_metrics(const track::RunInfo& source) {
    MILLRACE_TRY(const auto keys, source_->metric_keys(source));
    std::map<std::string, Series> metrics;
    for (const auto& key : keys) {
      MILLRACE_TRY(auto points, source_->points(source, key));
      settle(points);
      metrics.emplace(key, series_of(points));
      for (const auto& point : points)
        if (point.on != nullptr && !point.on->model_id.empty())
          measured_[point.on->model_id].add(source.id, key, point);
    }
    return metrics;
  }

  Result<void> take_run(const track::Experiment& experiment, const std::string& id) {
    MILLRACE_TRY(auto run, read_run(experiment, id));
    auto source = run.info;
    source.experiment_id = experiment.id;
    MILLRACE_TRY(const auto metrics, read_metrics(source));
    MILLRACE_TRY(const auto artifacts, plan("run", id, run.info.artifact_uri));
    const auto facts = facts_of(run, metrics, artifacts.with_files ? &artifacts.manifest : nullptr);
    report_.count(facts);
    if (options_.dry_run) return {};
    MILLRACE_TRY(const auto step, progress_.find("run", id));
    if (step && step->state == "done" && step->digest == facts.digest()) {
      report_.unchanged();
      return {};
    }
    if (!step) {
      MILLRACE_TRY(const bool known, adopt_run(id, facts, artifacts.with_files));
      if (known) return {};
    }
    return write_run(source, run, artifacts, facts.digest());
  }

  // A run of this id that is here but did not come from this source: the same is taken as it is, another is kept.
  Result<bool> adopt_run(const std::string& id, const Facts& facts, bool with_files) {
    MILLRACE_TRY(const bool there, importing_.has_run(caller_, id));
    if (!there) return false;
    MILLRACE_TRY(const auto here, here_.run(id, with_files));
    if (here.digest() != facts.digest())
      return Error{Code::conflict, "a run of this id is here already, and is another"}.hint(
          "import into another workspace or state folder");
    MILLRACE_DO(parts_.database.write([&](store::Session& session) {
      return progress_.note(session, "run", id, {id, "done", facts.digest()});
    }));
    report_.unchanged();
    return true;
  }

  Result<void> write_run(const track::RunInfo& source, track::Run run, const Plan& artifacts,
                         const std::string& digest) {
    run.info.artifact_uri = artifacts.uri;
    const auto& id = run.info.id;
    MILLRACE_DO(importing_.begin_run(caller_, run, [&](store::Session& session) {
      return progress_.note(session, "run", id, {id, "begun", ""});
    }));
    FAULT_POINT("exchange.run.begun");
    MILLRACE_TRY(const auto keys, source_->metric_keys(source));
    for (const auto& key : keys) MILLRACE_DO(write_metric(source, key));
    MILLRACE_TRY(const auto here, parts_.tracking.get_run(caller_, id));
    MILLRACE_DO(copy_files(artifacts, track::Tracking::artifact_path(here.info.artifact_uri)));
    FAULT_POINT("exchange.run.before_end");
    return importing_.end_run(caller_, run.info, digest, [&](store::Session& session) {
      return progress_.note(session, "run", id, {id, "done", digest});
    });
  }

  Result<void> write_metric(const track::RunInfo& source, const std::string& key) {
    MILLRACE_TRY(auto points, source_->points(source, key));
    settle(points);
    track::Batch batch;
    for (size_t i = 0; i < points.size(); ++i) {
      const auto& point = points[i];
      track::Metric metric{.key = key, .value = point.value, .timestamp = point.timestamp, .step = point.step};
      if (point.on != nullptr) {
        metric.model_id = point.on->model_id;
        metric.dataset_name = point.on->dataset_name;
        metric.dataset_digest = point.on->dataset_digest;
      }
      batch.metrics.push_back(std::move(metric));
      if (batch.metrics.size() < kBatch && i + 1 < points.size()) continue;
      MILLRACE_DO(parts_.tracking.log_batch(caller_, source.id, batch));
      FAULT_POINT("exchange.run.points");
      batch.metrics.clear();
    }
    return {};
  }

  // --- logged models

  Result<void> take_model(const track::Experiment& experiment, const std::string& id) {
    MILLRACE_TRY(auto model, source_->model(experiment.id, id));
    MILLRACE_TRY(model.experiment_id, target_of(experiment));
    MILLRACE_TRY(const auto artifacts, plan("model", id, model.artifact_uri));
    const auto facts = facts_of(model, artifacts.with_files ? &artifacts.manifest : nullptr);
    report_.count(facts);
    if (options_.dry_run) return {};
    MILLRACE_TRY(const auto step, progress_.find("model", id));
    if (step && step->state == "done" && step->digest == facts.digest()) return {};
    if (!step) {
      MILLRACE_TRY(const bool there, importing_.has_model(caller_, id));
      if (there) return adopt_model(id, facts, artifacts.with_files);
    }
    model.artifact_uri = artifacts.uri;
    const auto note = [&](const char* state) {
      return [this, &id, &facts, state](store::Session& session) {
        return progress_.note(session, "model", id, {id, state, facts.digest()});
      };
    };
    MILLRACE_DO(importing_.put_model(caller_, model, facts.digest(), note(artifacts.files.empty() ? "done" : "begun")));
    if (artifacts.files.empty()) return {};
    MILLRACE_TRY(const auto here, parts_.tracking.get_model(caller_, id, track::View::all));
    MILLRACE_DO(copy_files(artifacts, track::Tracking::artifact_path(here.artifact_uri)));
    return parts_.database.write(note("done"));
  }

  Result<void> adopt_model(const std::string& id, const Facts& facts, bool with_files) {
    MILLRACE_TRY(const auto here, here_.model(id, with_files));
    if (here.digest() != facts.digest())
      return Error{Code::conflict, "a logged model of this id is here already, and is another"}.hint(
          "import into another workspace or state folder");
    return parts_.database.write([&](store::Session& session) {
      return progress_.note(session, "model", id, {id, "done", facts.digest()});
    });
  }

  // --- at the end

  Result<void> compare(const track::Experiment& experiment) {
    const auto target = targets_.find(experiment.id);
    if (target == targets_.end()) return {};  // refused, and said so
    MILLRACE_DO(compare_experiment(experiment, target->second));
    MILLRACE_TRY(const auto models, source_->model_ids(experiment.id));
    for (const auto& id : models) MILLRACE_DO(compare_model(id));
    MILLRACE_TRY(const auto runs, source_->run_ids(experiment.id));
    for (const auto& id : runs) {
      if (running_.cancelled()) return Error{Code::unavailable, "the import was stopped"}.hint("run it again to go on");
      MILLRACE_DO(compare_run(id));
    }
    return {};
  }

  // Of an experiment that was here before, only what the source says of it can be the same.
  Result<void> compare_experiment(track::Experiment experiment, const Target& target) {
    MILLRACE_TRY(auto here, parts_.tracking.get_experiment(caller_, target.id));
    const auto was = experiment.id;
    experiment.id = target.id;
    if (target.merged) {
      const auto has = [&](const track::KeyValue& tag) {
        for (const auto& each : experiment.tags)
          if (each.key == tag.key) return true;
        return false;
      };
      std::erase_if(here.tags, [&](const track::KeyValue& tag) { return !has(tag); });
      here.creation_time = experiment.creation_time;
      here.lifecycle_stage = experiment.lifecycle_stage;
    }
    const auto facts = facts_of(here);
    report_.count_here(facts.counts);
    report_.compare("experiment", was, facts_of(experiment).digest(), facts.digest());
    return {};
  }

  Result<void> compare_run(const std::string& id) {
    MILLRACE_TRY(const auto step, progress_.find("run", id));
    if (!step || step->state != "done") return {};  // refused, and said so
    MILLRACE_TRY(const auto here, here_.run(id, options_.artifacts == Artifacts::copy));
    report_.count_here(here.counts);
    report_.compare("run", id, step->digest, here.digest());
    return {};
  }

  Result<void> compare_model(const std::string& id) {
    MILLRACE_TRY(const auto step, progress_.find("model", id));
    if (!step || step->state != "done") return {};
    MILLRACE_TRY(const auto here, here_.model(id, options_.artifacts == Artifacts::copy));
    MILLRACE_TRY(const auto measured, here_.measured(id));
    report_.count_here(here.counts);
    report_.compare("model", id, digest_of(step->digest + measured_[id].text()),
                    digest_of(here.digest() + measured.text()));
    return {};
  }

  const ImportParts& parts_;
  jobs::Running& running_;
  const ImportOptions& options_;
  Caller caller_;
  std::unique_ptr<Source> source_;
  SourceFiles files_;
  track::Importing importing_;
  Progress progress_;
  Here here_;
  ImportReport report_;
  OneByOne one_by_one_;
  std::vector<track::Experiment> experiments_;
  std::map<std::string, Target> targets_;        // by the source's id
  std::map<std::string, MeasuredSet> measured_;  // by model
  int64_t seen_ = 0;
};

}  // namespace

Result<Json> import_mlflow(const ImportParts& parts, jobs::Running& running, const ImportOptions& options) {
  MILLRACE_TRY(auto source, open_source(options.source, options.source_workspace, options.password));
  auto roots = source->artifact_folders();
  const auto base = roots.empty() ? std::string("/") : parent_of(roots.front());
  roots.insert(roots.end(), options.artifact_roots.begin(), options.artifact_roots.end());
  MILLRACE_TRY(auto files, SourceFiles::open(roots, base));
  Import import(parts, running, options, std::move(source), std::move(files));
  return import.work();
}

}  // namespace millrace::exchange
