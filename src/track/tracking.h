// Experiments, runs, what they log, and logged models, with the meaning that MLflow's clients expect.
// Every change is one line of the journal; a run is the lineage node run:ID, a logged model artifact:ID.
// Thread-safe. Bad values are `invalid`, unknown ids `not_found`; writing to what is deleted is `invalid`.
#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"
#include "track/artifacts.h"
#include "track/entities.h"

namespace millrace::track {

enum class View { active, deleted, all };

struct NewExperiment {
  std::string name;
  std::string artifact_location;  // "" = where the server keeps artifacts; nothing else is taken
  std::vector<KeyValue> tags;
};
struct NewRun {
  std::string experiment_id;  // "" = the default experiment
  std::string name;           // "" = the tag mlflow.runName, or one is made up
  std::string user_id;
  int64_t start_time = 0;  // 0 = now
  std::vector<KeyValue> tags;
};
struct RunUpdate {
  std::optional<std::string> status, name;
  std::optional<int64_t> end_time;
};
struct Batch {
  std::vector<Metric> metrics;
  std::vector<KeyValue> params, tags;
};
struct OnDataset {
  std::string name, digest;  // digest "" = any
  bool operator==(const OnDataset&) const = default;
};
struct Search {
  std::vector<std::string> experiment_ids;  // of runs and logged models
  std::string filter;
  std::vector<std::string> order_by;
  View view = View::active;
  int64_t max_results = 1000;
  std::string page_token;
  std::vector<OnDataset> datasets;  // of logged models: only metrics measured on one of these count
  std::vector<OnDataset> order_on;  // of logged models: for each of order_by the dataset it means, name "" = any
};
struct NewModel {
  std::string experiment_id, name, model_type, source_run_id;
  std::vector<KeyValue> tags, params;
};
struct HistoryRange {
  std::string key;
  int64_t limit = 25'000;
  std::string page_token;
};
// Evenly chosen points of several runs; the first and last of the range are always among them.
struct Sample {
  std::vector<std::string> run_ids;
  std::string key;
  std::optional<int64_t> start_step, end_step;
  int64_t points = 320;   // of each run
  bool extremes = false;  // keep the least and greatest of each part instead of its first
};

// Where artifacts are kept.
struct ArtifactPlaces {
  Artifacts proxied;                            // what mlflow-artifacts:/ names: clients go through this server
  Artifacts parts;                              // of uploads; seen by all servers that share the rows of the uploads
  std::string root_uri = "mlflow-artifacts:/";  // below which new experiments keep theirs
  std::optional<Artifacts> direct = {};         // what root_uri names, when that is not the proxy
};
struct Upload {
  std::string id, key;
};
struct UploadPart {
  int64_t number = 0;  // from 1
  std::string tag;
  int64_t size = 0;
};

class Tracking {
 public:
  Tracking(store::Database& database, lineage::Journal& journal, Context& context, ArtifactPlaces places);
  Tracking(store::Database& database, lineage::Journal& journal, Context& context, const std::string& artifacts_folder)
      : Tracking(database, journal, context,
                 ArtifactPlaces{Artifacts(artifacts_folder), Artifacts(artifacts_folder + "/.millrace-uploads")}) {}

  Result<std::string> create_experiment(const Caller& caller, const NewExperiment& wanted);
  Result<std::string> ensure_experiment(const Caller& caller,
                                        const std::string& name);  // the one of this name, made if absent
  Result<Experiment> get_experiment(const Caller& caller, const std::string& id);
  Result<Experiment> get_experiment_by_name(const Caller& caller, const std::string& name);
  Result<Page<Experiment>> search_experiments(const Caller& caller, const Search& search);
  Result<void> rename_experiment(const Caller& caller, const std::string& id, const std::string& name);
  Result<void> delete_experiment(const Caller& caller, const std::string& id);  // its runs with it
  Result<void> restore_experiment(const Caller& caller, const std::string& id);
  Result<void> set_experiment_tag(const Caller& caller, const std::string& id, const KeyValue& tag);
  Result<void> delete_experiment_tag(const Caller& caller, const std::string& id, const std::string& key);

  Result<Run> create_run(const Caller& caller, const NewRun& wanted);
  Result<Run> get_run(const Caller& caller, const std::string& id);
  Result<RunInfo> update_run(const Caller& caller, const std::string& id, const RunUpdate& update);
  Result<void> delete_run(const Caller& caller, const std::string& id);
  Result<void> restore_run(const Caller& caller, const std::string& id);
  Result<Page<Run>> search_runs(const Caller& caller, const Search& search);

  Result<void> log_metric(const Caller& caller, const std::string& run, const Metric& metric);
  Result<void> log_param(const Caller& caller, const std::string& run, const KeyValue& param);
  Result<void> log_batch(const Caller& caller, const std::string& run, const Batch& batch);
  Result<void> set_tag(const Caller& caller, const std::string& run, const KeyValue& tag);
  Result<void> delete_tag(const Caller& caller, const std::string& run, const std::string& key);
  // Datasets that are versions of Millrace (source "millrace:dataset:NAME@VERSION", or name and digest match) link to
  // these.
  Result<void> log_inputs(const Caller& caller, const std::string& run, const std::vector<DatasetInput>& datasets,
                          const std::vector<std::string>& models);
  Result<void> log_outputs(const Caller& caller, const std::string& run, const std::vector<ModelOutput>& models);

  Result<Page<Metric>> metric_history(const Caller& caller, const std::string& run, const HistoryRange& range);
  Result<std::vector<Metric>> sampled_history(const Caller& caller, const Sample& sample);

  Result<LoggedModel> create_model(const Caller& caller, const NewModel& wanted);
  Result<LoggedModel> get_model(const Caller& caller, const std::string& id, View view = View::active);
  Result<LoggedModel> finalize_model(const Caller& caller, const std::string& id, const std::string& status);
  Result<void> delete_model(const Caller& caller, const std::string& id);
  Result<void> set_model_tags(const Caller& caller, const std::string& id, const std::vector<KeyValue>& tags);
  Result<void> delete_model_tag(const Caller& caller, const std::string& id, const std::string& key);
  Result<void> log_model_params(const Caller& caller, const std::string& id, const std::vector<KeyValue>& params);
  Result<Page<LoggedModel>> search_models(const Caller& caller, const Search& search);

  // Paths are relative to the workspace's artifacts: EXPERIMENT/RUN/artifacts/...,
  // EXPERIMENT/models/MODEL/artifacts/... `digest` is that of the file's bytes, "" = not known yet.
  Result<void> put_artifact(const Caller& caller, const std::string& path, const std::string& spooled_file,
                            const std::string& digest = "");
  Result<void> put_artifact_text(const Caller& caller, const std::string& path, std::string_view bytes);
  Result<void> delete_artifacts(const Caller& caller, const std::string& path);
  const Artifacts& artifacts() const { return places_.proxied; }

  // By where they are kept: a run's or a model's artifact URI, and a path below it ("" = the root).
  Result<std::vector<FileInfo>> list_below(const Caller& caller, const std::string& uri,
                                           const std::string& folder) const;
  Result<Stored> find_artifact(const Caller& caller, const std::string& uri, const std::string& path) const;
  Result<OpenFile> open_artifact(const Caller& caller, const std::string& uri, const std::string& path,
                                 Span span = {}) const;
  Result<std::string> presign_artifact(const Caller& caller, const std::string& uri, const std::string& path,
                                       Presign what, int64_t seconds) const;
  // All files below a run's or model's artifact URI, with what is known of them; nothing there is fine. No line of the
  // journal: whoever removes the run or model writes it.
  Result<void> remove_below(const Caller& caller, const std::string& uri);
  bool goes_direct(const std::string& uri) const;  // kept where clients go themselves
  // Runs `work` while no file is being written or removed: what is frozen in it is as it was read before.
  template <class Work>
  auto while_still(Work work) {
    const std::unique_lock held(freezing_);
    return work();
  }
  // In a transaction inside while_still(): does another server that shares the database write there now?
  Result<bool> is_being_written(store::Session& session, const std::string& workspace, const std::string& path) const;
  Result<void> forget_writing();                           // once at start: what this server was writing when it ended
  static std::string artifact_path(std::string_view uri);  // of "mlflow-artifacts:/PATH"; "" for any other

  // One artifact in parts, in any order, repeatable, over days and restarts. `id` names the upload, `key` is the secret
  // that lets its holder send parts without another login. Unfinished ones expire (limits::upload_life_us after the
  // last part).
  Result<Upload> create_upload(const Caller& caller, const std::string& path, int64_t parts);
  Result<void> check_upload(const std::string& id, const std::string& key, int64_t part) const;
  Result<std::string> put_upload_part(const std::string& id, const std::string& key, int64_t part,
                                      const std::string& spooled_file, const std::string& digest);  // the part's tag
  Result<std::vector<UploadPart>> upload_parts(const std::string& id, const std::string& key) const;
  // Every part must be there, with these tags, and still hold what was sent. Repeating it is fine.
  Result<void> complete_upload(const Caller& caller, const std::string& path, const std::string& id,
                               const std::vector<UploadPart>& parts);
  Result<void> abort_upload(const Caller& caller, const std::string& path, const std::string& id);
  Result<int64_t> expire_uploads();  // of all workspaces; how many
  // What died half-way: files on their way that nobody has touched since `before`, parts of uploads that have no rows.
  Result<int64_t> leftovers(Micros before, Leftovers what);

 private:
  Result<void> ensure_default(const Caller& caller);
  // Puts a file in place and notes it, with `also` in the same transaction: the one way in.
  using Also = std::function<Result<void>(store::Session&)>;
  Result<void> store_artifact(const Caller& caller, const std::string& path, const std::string& spooled_file,
                              const std::string& digest, const Also& also);
  Result<void> place_artifact(const Caller& caller, const std::string& path, const std::function<Result<Stored>()>& put,
                              const Also& also);
  Result<void> note_artifact(const Caller& caller, const std::string& path, const Stored& stored, const Also& also);
  Result<void> remove_parts(const std::string& upload) const;
  int64_t now_ms() const { return context_.now() / 1000; }

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
  ArtifactPlaces places_;
  std::shared_mutex freezing_;          // shared by those that write files, alone for those that freeze them
  std::mutex mutex_;                    // guards with_default_
  std::set<std::string> with_default_;  // workspaces that are known to have their experiment 0
};

}  // namespace millrace::track
