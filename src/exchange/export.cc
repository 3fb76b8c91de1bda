#include "exchange/export.h"

#include <cerrno>
#include <fstream>
#include <functional>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"
#include "exchange/export_registered.h"
#include "exchange/here.h"
#include "exchange/import_report.h"
#include "exchange/sinks/mlflow_database.h"
#include "exchange/sinks/mlruns_folder.h"
#include "exchange/sources/source.h"

namespace millrace::exchange {
namespace {

constexpr int64_t kPage = 100;
constexpr size_t kPiece = 1 << 18;

class Export {
 public:
  Export(const ExportParts& parts, jobs::Running& running, const ExportOptions& options, std::unique_ptr<Sink> sink)
      : tracking_(parts.tracking),
        running_(running),
        options_(options),
        caller_(running.caller()),
        here_(parts.tracking, caller_),
        sink_(std::move(sink)),
        one_by_one_(running, report_),
        registered_({parts.registry, parts.project, *sink_, one_by_one_, report_, caller_,
                     [this](const std::string& uri) { return copy_files(uri); }}) {}

  Result<Json> work() {
    MILLRACE_DO(each_experiment([&](const track::Experiment& experiment) { return write(experiment); }));
    // Models after all runs: their metrics name runs of any experiment.
    MILLRACE_DO(each_experiment([&](const track::Experiment& experiment) {
      return each_model(experiment.id, [&](const track::LoggedModel& model) { return write_model(model); });
    }));
    MILLRACE_DO(registered_.write());
    MILLRACE_TRY(written_, sink_->read());
    MILLRACE_TRY(files_, SourceFiles::open(sink_->folders(), options_.target));
    MILLRACE_DO(compare_experiments());
    MILLRACE_DO(each_experiment([&](const track::Experiment& experiment) {
      return each_run(experiment.id, [&](const track::Run& run) { return compare_run(run); });
    }));
    MILLRACE_DO(each_experiment([&](const track::Experiment& experiment) {
      return each_model(experiment.id, [&](const track::LoggedModel& model) { return compare_model(model); });
    }));
    MILLRACE_DO(registered_.compare(*written_));
    auto report = report_.to_json(false);
    report["target"] = options_.target;
    report["left_out"] = Json::array();
    return report;
  }

 private:
  // --- what is here

  Result<void> each_experiment(const std::function<Result<void>(const track::Experiment&)>& take) {
    track::Search search{.view = track::View::all, .max_results = kPage};
    do {
      MILLRACE_TRY(const auto page, tracking_.search_experiments(caller_, search));
      for (const auto& experiment : page.items) MILLRACE_DO(take(experiment));
      search.page_token = page.next;
    } while (!search.page_token.empty());
    return {};
  }

  Result<void> each_run(const std::string& experiment, const std::function<Result<void>(const track::Run&)>& take) {
    track::Search search{.experiment_ids = {experiment}, .view = track::View::all, .max_results = kPage};
    do {
      MILLRACE_TRY(const auto page, tracking_.search_runs(caller_, search));
      for (const auto& run : page.items) {
        if (running_.cancelled())
          return Error{Code::unavailable, "the export was stopped"}.hint("run it again to go on");
        MILLRACE_DO(take(run));
      }
      search.page_token = page.next;
    } while (!search.page_token.empty());
    return {};
  }

  Result<void> each_model(const std::string& experiment,
                          const std::function<Result<void>(const track::LoggedModel&)>& take) {
    for (const auto view : {track::View::active, track::View::deleted}) {
      track::Search search{.experiment_ids = {experiment}, .view = view, .max_results = kPage};
      do {
        MILLRACE_TRY(const auto page, tracking_.search_models(caller_, search));
        for (const auto& model : page.items) MILLRACE_DO(take(model));
        search.page_token = page.next;
      } while (!search.page_token.empty());
    }
    return {};
  }

  // --- writing

  // Where artifacts are in the export; those that this server does not keep stay where they are.
  std::string location_of(const std::string& uri) const {
    const auto folder = track::Tracking::artifact_path(uri);
    return folder.empty() ? uri : sink_->location(folder);
  }

  Result<void> write(const track::Experiment& experiment) {
    MILLRACE_DO(sink_->put(experiment));
    return each_run(experiment.id, [&](const track::Run& run) {
      return one_by_one_.take("run", run.info.id, [&] { return write_run(run); });
    });
  }

  Result<void> write_run(track::Run run) {
    MILLRACE_TRY(const bool there, sink_->has_run(run.info));
    if (there) return {};
    MILLRACE_DO(copy_files(run.info.artifact_uri));
    run.info.artifact_uri = location_of(run.info.artifact_uri);
    MILLRACE_DO(sink_->put(run, [&](const auto& take) -> Result<void> {
      for (const auto& latest : run.metrics) {
        MILLRACE_TRY(const auto points, here_.points(run.info.id, latest.key));
        MILLRACE_DO(take(latest.key, points));
      }
      return {};
    }));
    running_.progress(0, fmt::format("{} runs", ++seen_));
    return {};
  }

  Result<void> write_model(track::LoggedModel model) {
    return one_by_one_.take("model", model.id, [&]() -> Result<void> {
      MILLRACE_DO(copy_files(model.artifact_uri));
      model.artifact_uri = location_of(model.artifact_uri);
      return sink_->put(model);
    });
  }

  Result<void> copy_files(const std::string& uri) {
    const auto folder = track::Tracking::artifact_path(uri);
    if (!options_.artifacts || folder.empty()) return {};
    MILLRACE_TRY(const auto files, here_.files(folder));
    for (const auto& file : files) {
      const auto to = sink_->path(folder) + "/" + file.path;
      if (const auto there = digest_of_file(to); there && *there == file.digest) continue;
      MILLRACE_DO(make_folders(parent_of(to), 0755));
      MILLRACE_DO(copy_out(folder + "/" + file.path, to));
    }
    return {};
  }

  Result<void> copy_out(const std::string& path, const std::string& to) {
    MILLRACE_TRY(const auto from, tracking_.artifacts().open(caller_.workspace, path));
    std::ofstream out(to, std::ios::binary | std::ios::trunc);
    std::string buffer(kPiece, '\0');
    while (out) {
      MILLRACE_TRY(const size_t got, from.reader->read(buffer.data(), buffer.size()));
      if (got == 0) break;
      out.write(buffer.data(), static_cast<std::streamsize>(got));
    }
    out.close();
    if (!out) return file_error("cannot write", to, errno);
    return flush_file(to);
  }

  // --- comparing: the store is read as any other

  Result<void> compare_experiments() {
    MILLRACE_TRY(const auto written, written_->experiments());
    std::map<std::string, track::Experiment> by_id;
    for (const auto& experiment : written) by_id.emplace(experiment.id, experiment);
    return each_experiment([&](const track::Experiment& experiment) -> Result<void> {
      const auto facts = facts_of(experiment);
      report_.count(facts);
      const auto found = by_id.find(experiment.id);
      const auto there = found != by_id.end() ? facts_of(found->second) : Facts{};
      report_.count_here(there.counts);
      report_.compare("experiment", experiment.id, facts.digest(), there.digest());
      return {};
    });
  }

  bool with_files(const std::string& uri) const {
    return options_.artifacts && !track::Tracking::artifact_path(uri).empty();
  }

  Result<Manifest> written_files(const std::string& uri) {
    MILLRACE_TRY(const auto found, files_->find(sink_->path(track::Tracking::artifact_path(uri))));
    MILLRACE_TRY(auto files, SourceFiles::list(found, [](const std::string&, const std::string&) {}));
    return manifest_of(std::move(files));
  }

  Result<void> compare_run(const track::Run& run) {
    const bool files = with_files(run.info.artifact_uri);
    MILLRACE_TRY(const auto facts, here_.run(run.info.id, files));
    report_.count(facts);
    auto found = written_->run(run.info.experiment_id, run.info.id);
    if (!found) return missing("run", run.info.id, facts.digest(), found.error());
    std::map<std::string, Series> metrics;
    MILLRACE_TRY(const auto keys, written_->metric_keys(found->info));
    for (const auto& key : keys) {
      MILLRACE_TRY(auto points, written_->points(found->info, key));
      settle(points);
      for (const auto& point : points)
        if (point.on != nullptr && !point.on->model_id.empty())
          measured_[point.on->model_id].add(run.info.id, key, point);
      metrics.emplace(key, series_of(points));
    }
    MILLRACE_TRY(const auto manifest, files ? written_files(run.info.artifact_uri) : Result<Manifest>(Manifest{}));
    const auto there = facts_of(*found, metrics, files ? &manifest : nullptr);
    report_.count_here(there.counts);
    report_.compare("run", run.info.id, facts.digest(), there.digest());
    return {};
  }

  Result<void> compare_model(const track::LoggedModel& model) {
    const bool files = with_files(model.artifact_uri);
    MILLRACE_TRY(const auto facts, here_.model(model.id, files));
    report_.count(facts);
    auto found = written_->model(model.experiment_id, model.id);
    if (!found) return missing("model", model.id, facts.digest(), found.error());
    MILLRACE_TRY(const auto manifest, files ? written_files(model.artifact_uri) : Result<Manifest>(Manifest{}));
    const auto there = facts_of(*found, files ? &manifest : nullptr);
    report_.count_here(there.counts);
    MILLRACE_TRY(const auto measured, here_.measured(model.id));
    report_.compare("model", model.id, digest_of(facts.digest() + measured.text()),
                    digest_of(there.digest() + measured_[model.id].text()));
    return {};
  }

  Result<void> missing(const std::string& kind, const std::string& id, const std::string& digest, const Error& error) {
    if (error.code() != Code::not_found) return error;
    report_.compare(kind, id, digest, "");
    return {};
  }

  track::Tracking& tracking_;
  jobs::Running& running_;
  const ExportOptions& options_;
  Caller caller_;
  Here here_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Source> written_;
  std::optional<SourceFiles> files_;
  std::map<std::string, MeasuredSet> measured_;
  ImportReport report_;
  OneByOne one_by_one_;
  RegisteredExport registered_;
  int64_t seen_ = 0;
};

}  // namespace

Result<ExportOptions> read_export(const Json& body) {
  ExportOptions out;
  MILLRACE_TRY(out.target, get_string(body, "target"));
  if (!out.target.starts_with('/'))
    return Error{Code::invalid, "'target' must be the absolute path of a folder"}.at_field("target");
  const auto artifacts = string_or(body, "artifacts", "copy");
  if (artifacts != "copy" && artifacts != "none")
    return Error{Code::invalid, fmt::format("'{}' is no way to give artifacts", artifacts.substr(0, 80))}
        .at_field("artifacts")
        .hint("copy or none");
  out.artifacts = artifacts == "copy";
  const auto format = string_or(body, "format", "sqlite");
  if (format != "sqlite" && format != "mlruns")
    return Error{Code::invalid, fmt::format("'{}' is no form of a store", format.substr(0, 80))}
        .at_field("format")
        .hint("sqlite or mlruns");
  if (format == "mlruns") out.format = Format::mlruns;
  return out;
}

Result<Json> export_mlflow(const ExportParts& parts, jobs::Running& running, const ExportOptions& options) {
  MILLRACE_DO(make_folders(options.target, 0755));
  std::unique_ptr<Sink> sink;
  if (options.format == Format::mlruns) {
    MILLRACE_TRY(sink, MlrunsFolder::open(options.target));
  } else {
    MILLRACE_TRY(sink, MlflowDatabase::open(options.target));
  }
  Export work(parts, running, options, std::move(sink));
  return work.work();
}

}  // namespace millrace::exchange
