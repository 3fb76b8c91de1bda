// Models, their versions, the gates and people that let them out, and the releases that put them on traffic.
// Who may do what and why not is decided here, so that the native API, the command line and MLflow's client agree.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "core/project.h"
#include "data/datasets.h"
#include "engine/engine.h"
#include "lineage/journal.h"
#include "pipeline/pipeline.h"
#include "registry/release_snapshot.h"
#include "store/blobs.h"
#include "store/database.h"
#include "track/tracking.h"

namespace millrace::registry {

// models.NAME of the project file.
struct GateSpec {
  std::string kind;  // from gates/list.inc
  Json parameters = Json::object();
  Where where;
};
struct ModelSpec {
  std::string name;
  std::string stage, file;  // the stage's out that is the model
  std::string contract;     // absolute path of the ODCS contract of its inputs
  std::string label;
  std::string scored_stage, scored_file;  // label and `score` of held-out rows; what gates look at
  std::string scored_report;              // JSON beside them with the number `threshold`, or ""
  std::vector<GateSpec> gates;
  int approvals = 1;
  std::string approver_role = "approver";
  Json card = Json::object();  // what only people know: intended use, limitations, owner, ethics
  Where where;
};
// deployments.NAME
struct DeploymentSpec {
  std::string name, model, unit, guard = "reject", alias;
  Where where;
};
Result<std::vector<ModelSpec>> read_models(const Project& project);
Result<std::vector<DeploymentSpec>> read_deployments(const Project& project);

// What a version stands on. An approval names all of these and holds for exactly these.
struct Digests {
  std::string model, data, code, environment, contract, report;  // report: the evaluated gates; "" before
  Json to_json() const;
};

struct GateResult {
  std::string kind;
  Json parameters;
  bool ok = false;
  Json value;          // with interval and sample size where there is one
  std::string reason;  // one sentence; why it failed and what would help
};

struct ModelVersion {
  std::string model;
  int64_t version = 0;
  std::string state;  // registered, gates_passed, gates_failed, approved
  std::string run_id, stage_node, author;
  Digests digests;
  std::vector<GateResult> gates;  // of the last evaluation
  Json approvals = Json::array();
  Micros created_at = 0;
  std::string node() const;  // model:NAME@VERSION
  Json to_json() const;
};

struct Release {
  std::string deployment;
  int64_t number = 0;
  std::string model;
  int64_t version = 0;
  int64_t restores = 0;  // the release that a rollback went back to, or 0
  std::string model_digest, reason, subject;
  Micros created_at = 0;
  std::string node() const;  // release:DEPLOYMENT@NUMBER
  Json to_json() const;
};

struct Parts {
  store::Database& database;
  store::Blobs& blobs;
  lineage::Journal& journal;
  Context& context;
  engine::Engines& engines;
  data::Datasets& datasets;
  pipeline::Pipelines& pipelines;
  track::Tracking& tracking;
  std::string serving_folder;  // STATE/serving
  std::string temp_folder;
};

// Thread-safe.
class Registry {
 public:
  explicit Registry(Parts parts);

  // A version from the newest records of the model's stages. The same digests are the same version.
  // rejected with a hint when a stage has not run.
  Result<ModelVersion> register_version(const Caller& caller, const Project& project, const ModelSpec& spec);
  Result<std::vector<ModelVersion>> list(const std::string& workspace, const std::string& model) const;  // "" = all
  Result<ModelVersion> get(const std::string& workspace, const std::string& model, int64_t version) const;
  // Evaluates every gate of the spec and stores results with evidence. Gates that fail are results, not errors.
  Result<ModelVersion> evaluate_gates(const Caller& caller, const Project& project, const ModelSpec& spec,
                                      int64_t version);
  // rejected when a gate failed or none was evaluated, denied for the author's second voice, conflict when already
  // given.
  Result<ModelVersion> approve(const Caller& caller, const ModelSpec& spec, int64_t version, const std::string& why);
  // The card as Markdown, written from the facts.
  Result<std::string> card(const std::string& workspace, const ModelSpec& spec, int64_t version) const;

  // rejected when the version is not approved for exactly these digests. Writes the record, then the data plane's
  // snapshot.
  Result<Release> release(const Caller& caller, const Project& project, const DeploymentSpec& spec, int64_t version,
                          const std::string& why);
  Result<Release> rollback(const Caller& caller, const std::string& deployment, const std::string& why);
  Result<std::vector<Release>> releases(const std::string& workspace,
                                        const std::string& deployment) const;  // newest first
  Result<std::optional<Release>> current(const std::string& workspace, const std::string& deployment) const;
  // Brings the snapshot files in line with the records (after a crash between the two). Call once at start.
  Result<void> reconcile();

  // Called after a release's snapshot is in place; main/ joins the data plane here. Set before use.
  std::function<void(const std::string& deployment)> on_release;

 private:
  Parts parts_;
};

}  // namespace millrace::registry
