// The pipeline: stages whose outs follow from their declared inputs alone, so that nothing unchanged is rebuilt, every
// rebuild has a reason with a name, and a stage can be repeated and compared byte by byte.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "core/project.h"
#include "data/datasets/datasets.h"
#include "engine/engine.h"
#include "jobs/jobs.h"
#include "lineage/journal.h"
#include "store/blobs.h"
#include "store/database.h"

namespace millrace::track {
class Tracking;
}

namespace millrace::pipeline {

enum class StageKind { command, sql };

struct DatasetDep {
  std::string name;
  Micros from = 0, to = 0;  // 0, 0 = all
  bool all_rows = false;    // also the rows that the contract set aside; a value that is not of its type is null
  Where where;
};
struct StageDep {
  std::string name;
  Where where;
};
struct FileDep {
  std::string pattern;  // a project-relative path or glob
  Where where;
};

// pipeline.stages.NAME of the project file.
struct Stage {
  std::string name;
  StageKind kind = StageKind::command;
  std::vector<std::string> command;  // its words; no shell reads them
  std::string sql;                   // project-relative path
  std::vector<FileDep> files;
  std::vector<DatasetDep> datasets;
  std::vector<StageDep> stages;
  std::vector<std::string> outs;  // relative paths, sorted
  Json params = Json::object();
  int64_t seed = 0;
  int64_t timeout_seconds = 3600;
  int64_t threads = 1;
  std::vector<std::pair<std::string, std::optional<std::string>>> env;  // a value, or taken from our own environment
  Where where;
};

struct Environment {
  std::string interpreter;  // a program on PATH, or ""
  std::string lock;         // project-relative path, or ""
  int64_t threads = 1;
};

// One project's pipeline; a value that outlives the project it was read from.
struct Pipeline {
  std::string project;  // its name
  std::string folder;   // absolute
  Environment environment;
  Micros horizon = 0;  // what training may know ends here; 0 = not told
  std::vector<data::Source> sources;
  std::vector<Stage> stages;  // every stage stands after those it needs; ties in order of the file

  const Stage* find(std::string_view stage) const;
  // `wanted` and all that they need, in order; all when empty. not_found with "did you mean".
  Result<std::vector<const Stage*>> select(const std::vector<std::string>& wanted) const;
};

// What one run asks for in place of what the project file says; part of the cache keys like the file's own values.
struct Overrides {
  Micros horizon = 0;            // 0 = the file's
  Json params = Json::object();  // "STAGE.PARAM": value; the stage must have that parameter
};
// Of a job's payload: {horizon: TIME, params: {...}}, both optional.
Result<Overrides> read_overrides(const Json& payload);

// Cycles, unknown names, two stages with one out and files that are missing are errors with their places.
// `from` and `to` of a dataset, and params, may be the horizon: the word `horizon` there, "${horizon}" here (an ISO
// date).
Result<Pipeline> read_pipeline(const Project& project, const Overrides& overrides = {});

struct Out {
  std::string path;    // as declared
  std::string digest;  // a blob
  int64_t size = 0;
};

// One finished run of a stage. `components` is all that went into the key, and beside it what is only recorded
// (environment.git, data_behind: every dataset version that the outs stand on, code_tree, datasets[].version):
//   {abi, stage, kind, command | sql, code {path: digest}, datasets [{name, version, digest, file, node}],
//    stages {name: {path: digest}}, outs, params, seed, env, environment {interpreter, lock, libraries, cpu, threads,
//    git}}
struct StageRecord {
  std::string stage;
  std::string key;     // sha256:..., the cache key
  std::string run_id;  // MLflow's run, or ""
  std::string job;
  std::string state;  // done
  std::vector<Out> outs;
  Json components = Json::object();
  int64_t undeclared = 0;  // files that the command left and nobody declared
  Micros started_at = 0, ended_at = 0;

  std::string node() const;         // stage:NAME@<12 hex of the key>
  std::string code_digest() const;  // of the tree of code files
  std::string environment_digest() const;
  const Out* out(std::string_view path) const;
  Json to_json() const;
};
std::string artifact_node(std::string_view stage, const Out& out);  // artifact:STAGE/PATH@<12 hex>

// One difference between the last record and now.
struct Reason {
  std::string component;  // "params.trees", "code.train.py", "stages.training", "first run" ...
  Json before, after;     // null when there is none
  std::string text;       // a sentence
};
struct Plan {
  std::string stage;
  bool cached = false;
  std::string key;           // "" while an upstream stage has to run first
  std::vector<Reason> why;   // empty when cached
  Json to_json() const;      // {stage, action: run|cached, key, why: [{component, before, after, text}]}
  std::string text() const;  // for people, one paragraph
};

struct OutComparison {
  std::string path;
  bool same = false;
  std::string recorded, repeated;  // digests
  int64_t recorded_size = 0, repeated_size = 0;
  int64_t first_difference = -1;  // offset of the first differing byte; -1 when none
};
struct VerifyReport {
  std::string stage, key, node;
  bool same = false;
  std::vector<OutComparison> outs;
  std::vector<Reason> environment;  // what of the environment is not as recorded; a likely cause of a difference
  Json to_json() const;
  std::string text() const;
};

struct RunOptions {
  std::string tracking_uri;  // MLFLOW_TRACKING_URI of command stages; "" = no MLflow run
};

struct Parts {
  store::Database& database;
  store::Blobs& blobs;
  lineage::Journal& journal;
  Context& context;
  engine::Engines& engines;
  data::Datasets& datasets;
  track::Tracking& tracking;
  std::string work_folder;     // STATE/work; ours alone
  std::string path;            // PATH that commands get
  std::string engine_library;  // file of the SQL engine's library; its digest is in the key of SQL stages
};

// Thread-safe. The first run in a process clears what dead runs left (scratch folders, runs that look alive).
class Pipelines {
 public:
  explicit Pipelines(Parts parts);
  ~Pipelines();

  // What run() would do now, in order, and why. Reads, hashes and asks the interpreter its version; changes nothing.
  Result<std::vector<Plan>> plan(const Caller& caller, const Pipeline& pipeline,
                                 const std::vector<std::string>& wanted = {});
  Result<Plan> why(const Caller& caller, const Pipeline& pipeline, const std::string& stage);

  // Runs what is not cached, in order; stops at the first failure, what was finished stays. Answers all records, cached
  // ones too.
  Result<std::vector<StageRecord>> run(jobs::Running& running, const Pipeline& pipeline,
                                       const std::vector<std::string>& wanted, const RunOptions& options);
  // One stage whose upstream stages are current; conflict when they are not.
  Result<StageRecord> run_stage(jobs::Running& running, const Pipeline& pipeline, const std::string& stage,
                                const RunOptions& options);

  // Repeats the latest record from its recorded inputs and compares bytes. A difference is a report, not an error.
  Result<VerifyReport> verify(jobs::Running& running, const Pipeline& pipeline, const std::string& stage,
                              const RunOptions& options);

  // The job `pipeline.run`. Payload: {stage: NAME | null | absent, stages: [NAME...], verify: bool} and overrides,
  // which the caller has put into `pipeline`. Result: {ok, text, stages: [...]} or with verify {ok, text, reports:
  // [...]}.
  Result<Json> work(jobs::Running& running, const Pipeline& pipeline, const RunOptions& options);

  Result<std::optional<StageRecord>> latest(const std::string& workspace, const std::string& stage) const;
  Result<std::vector<StageRecord>> records(const std::string& workspace,
                                           const std::string& stage) const;  // newest first, a page; "" = of all stages
  // A file that holds the out `path` of the record; read-only.
  Result<std::string> out_path(const StageRecord& record, const std::string& path) const;

  // Marks what a dead process left as failed and removes its scratch folders. run() and verify() do it by themselves.
  Result<void> recover();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

inline constexpr std::string_view kJobKind = "pipeline.run";

}  // namespace millrace::pipeline
