// Models, their versions, the gates and people that let them out, and the releases that put them on traffic.
// Who may do what and why not is decided here, so that the native API, the command line and MLflow's client agree.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "core/project.h"
#include "data/datasets/datasets.h"
#include "engine/engine.h"
#include "lineage/journal.h"
#include "pipeline/pipeline.h"
#include "registry/models/registered.h"
#include "registry/release/snapshot.h"
#include "registry/requests/requests.h"
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
  int64_t expires_days = 14;                         // of a request to move a protected alias or stage
  std::optional<std::vector<std::string>> protects;  // aliases and stages; nothing = those of the section `registry`
  Json card = Json::object();                        // what only people know: intended use, limitations, owner, ethics
  Where where;
};
// registry: what holds for models that say nothing of their own, and those that the file does not name.
struct RegistrySpec {
  std::vector<std::string> places;  // protected
  int approvals = 1;
  std::string approver_role = "approver";
  int64_t expires_days = 14;
};
// deployments.NAME
struct DeploymentSpec {
  std::string name, model, unit, guard = "reject", alias;
  std::string unit_header;               // lower case; a request's head that names the unit, "" = only Millrace-Unit
  std::string runtime;                   // that its models run in, "" = auto
  std::string isolation = "in_process";  // or "process": its models live in processes of their own
  std::optional<double> canary_share;    // of a canary that is not given one
  std::optional<RolloutPolicy> rollout;  // nothing: people move the canary
  std::vector<ReviewRule> review;        // whose answers a person decides
  Where where;
};
Result<std::vector<ModelSpec>> read_models(const Project& project);
Result<std::vector<DeploymentSpec>> read_deployments(const Project& project);
Result<RegistrySpec> read_registry(const Project& project);

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
  std::string source, storage, content, stage = std::string(kStageNone);  // as in VersionEntry
  bool deleted = false;
  std::string node() const;  // model:NAME@VERSION
  Json to_json() const;
};

// One model version on one arm.
struct ReleaseArm {
  std::string model;
  int64_t version = 0;
  std::string digest;        // of the model
  std::string node() const;  // model:NAME@VERSION
};

// What a deployment had on its traffic from this record on. Immutable; the highest number is live.
struct Release {
  std::string deployment;
  int64_t number = 0;
  std::string step;   // what made it: release, shadow, canary, promote, rollback, stop
  std::string model;  // the stable arm's
  int64_t version = 0;
  int64_t restores = 0;  // of a rollback: the release that had put this stable arm on; else 0
  std::string model_digest;
  std::optional<ReleaseArm> canary;
  double canary_share = 0;
  std::vector<ReleaseArm> shadows;
  std::string reason, subject;
  Micros created_at = 0;
  Micros event_time = 0;
  Json evidence;             // of a rollout, where its policy decided; else null
  std::string node() const;  // release:DEPLOYMENT@NUMBER
  ReleaseArm stable() const { return {model, version, model_digest}; }
  Json to_json() const;
};

// How a caller asks for traffic to be moved.
struct Move {
  std::string why;
  int64_t version = 0;          // of the deployment's model; promote: 0 = the canary
  std::optional<double> share;  // of a canary; nothing = the project's
  bool aa = false;              // of a canary: it is the stable arm's own version, and only false alarms are counted
  int64_t live = 0;             // not 0: only while this release is live, else `conflict`
  Json evidence;                // what it was decided by; kept with the record and as a blob
};

struct TrafficOrder;  // release/traffic.h
struct Wanted;        // requests/rows.h

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

  // Moving traffic. Each is one record, one audit line and one snapshot for the data plane, and takes the role
  // approver. Of several callers at once one wins and the others get `conflict`, which names the winner. What would
  // change nothing is a `conflict` too. A version whose model cannot answer is refused before there is a record.
  //
  // release: the version becomes the stable arm, alone. rejected when it is not approved for exactly these digests.
  Result<Release> release(const Caller& caller, const Project& project, const DeploymentSpec& spec, const Move& move);
  Result<Release> release(const Caller& caller, const Project& project, const DeploymentSpec& spec, int64_t version,
                          const std::string& why) {
    return release(caller, project, spec, {.why = why, .version = version});
  }
  // shadow: the version gets a copy of what others answer. Its gates must have passed; nobody sees its answers, so it
  // needs no approval. The other arms stay.
  Result<Release> shadow(const Caller& caller, const Project& project, const DeploymentSpec& spec, const Move& move);
  // canary: the version answers a share of the units, in (0, 1), under the rules of a release. Units keep their arm:
  // with a higher share everybody who was in stays in. The stable arm and the shadows stay; another canary ends. With
  // move.aa the canary is the stable arm's own version, under the project's policy: `conflict` beside another canary.
  Result<Release> canary(const Caller& caller, const Project& project, const DeploymentSpec& spec, const Move& move);
  // promote: the canary becomes the stable arm, alone; without a canary the named shadow does. May it still be
  // released, is asked again.
  Result<Release> promote(const Caller& caller, const Project& project, const DeploymentSpec& spec, const Move& move);
  // stop: canary and shadows end, the stable arm stays.
  Result<Release> stop(const Caller& caller, const std::string& deployment, const Move& move);
  // rollback: with a canary on, the canary and the shadows end and the stable arm stays, which is the former state.
  // Else the newest earlier stable arm that was another version comes back, alone. Who goes back again goes further
  // back, never forth to what was rolled back. What was live once needs no new approval.
  Result<Release> rollback(const Caller& caller, const std::string& deployment, const Move& move);
  Result<Release> rollback(const Caller& caller, const std::string& deployment, const std::string& why) {
    return rollback(caller, deployment, Move{.why = why});
  }
  Result<std::vector<Release>> releases(const std::string& workspace,
                                        const std::string& deployment) const;  // newest first
  Result<std::optional<Release>> current(const std::string& workspace, const std::string& deployment) const;

  // Aliases. Without a project nothing binds or protects one. Setting one that a deployment binds is release() of that
  // version, with its role, gates and approvals; deleting it is a `conflict`. Labels take the role writer.
  // Moving a protected alias or stage (requests/protection.h) by a plain call makes a request and is `denied` with its
  // id; once the request has its approvals the call goes through. Of two requests the first that is carried out wins;
  // the other gets a `conflict` that says who and when.
  Result<std::vector<Alias>> aliases(const std::string& workspace, const Project* project,
                                     const std::string& model) const;  // "" = of all
  Result<void> set_alias(const Caller& caller, const Project* project, const Alias& wanted,
                         const std::string& why = "");
  Result<void> delete_alias(const Caller& caller, const Project* project, const std::string& model,
                            const std::string& name, const std::string& why = "");
  // Back to the version before, as a move of its own: who goes back again goes further back. Takes the role writer; of
  // a protected alias that of its approvers; of a bound one it is rollback() of the deployment.
  Result<Alias> rollback_alias(const Caller& caller, const Project* project, const std::string& model,
                               const std::string& name, const std::string& why);
  // Newest first; of a bound alias its deployment's releases, then what it was as a label.
  Result<std::vector<AliasMove>> alias_moves(const std::string& workspace, const Project* project,
                                             const std::string& model, const std::string& name) const;
  // What the alias stood for at that time; nothing when it was not there.
  Result<std::optional<AliasMove>> alias_at(const std::string& workspace, const Project* project,
                                            const std::string& model, const std::string& name, Micros at) const;
  // The versions that stood in a stage at that time, each with the move that put it there.
  Result<std::vector<StageMember>> stage_at(const std::string& workspace, const std::string& model,
                                            const std::string& stage, Micros at) const;

  // Requests, newest first; "" = of all models, in any state.
  Result<std::vector<ChangeRequest>> requests(const std::string& workspace, const std::string& model,
                                              const std::string& state) const;
  Result<ChangeRequest> request(const std::string& workspace, const std::string& id) const;  // "cr-7"
  // One voice, for exactly the digests of now; never the author's. The last one that is needed carries the request out.
  // It is an approval of the version, too, under the rules of approve().
  Result<ChangeRequest> approve_request(const Caller& caller, const Project* project, const std::string& id,
                                        const std::string& why);
  Result<ChangeRequest> reject_request(const Caller& caller, const std::string& id, const std::string& why);
  Result<ChangeRequest> withdraw_request(const Caller& caller, const std::string& id, const std::string& why);

  // Models and versions page by page. A page begins after the last entry of the page before, wherever that stands now:
  // what is made or deleted meanwhile neither repeats nor hides another. `invalid` for what the language does not know.
  Result<track::Page<ShownModel>> search_models(const std::string& workspace, const Project* project,
                                                const RegistrySearch& search) const;
  Result<track::Page<ShownVersion>> search_versions(const std::string& workspace, const Project* project,
                                                    const RegistrySearch& search) const;
  // One of them; not_found in MLflow's words.
  Result<ShownModel> show_model(const std::string& workspace, const Project* project, const std::string& name) const;
  Result<ShownVersion> show_version(const std::string& workspace, const Project* project, const std::string& model,
                                    int64_t version) const;
  // What an alias stands for; "latest", in any case, is the highest number.
  Result<ShownVersion> show_alias(const std::string& workspace, const Project* project, const std::string& model,
                                  const std::string& alias) const;

  // Every version there is, by model and number; of one model when it is named.
  Result<std::vector<VersionEntry>> catalogue(const std::string& workspace, const std::string& model = "") const;

  // Models and versions as MLflow's clients make them. They and those that the pipeline made are one table with one
  // numbering; a number is never used twice, not even after its model was deleted. Writes take the role writer.
  Result<std::vector<RegisteredModel>> registered(const std::string& workspace, const std::string& name = "") const;
  Result<void> create_model(const Caller& caller, const NewRegisteredModel& wanted);  // conflict when there is one
  Result<void> describe_model(const Caller& caller, const std::string& name, const std::string& description);
  // conflict for a model that the project or a release names: its name is part of theirs.
  Result<void> rename_model(const Caller& caller, const Project* project, const std::string& name,
                            const std::string& to);
  // With all its versions; conflict while a release, a bound or a protected alias or stage needs one of them.
  Result<void> delete_model(const Caller& caller, const Project* project, const std::string& name);
  Result<void> tag_model(const Caller& caller, const std::string& name, const track::KeyValue& tag);
  Result<void> untag_model(const Caller& caller, const std::string& name, const std::string& key);
  // Makes a version of files that a run or logged model left. From then on the files, the logged model and, once it has
  // ended, the run are read-only (track/frozen.h). Gates and approvals are those of the project's model of that name.
  Result<int64_t> create_version(const Caller& caller, const Project* project, const NewVersion& wanted);
  // Both take over what another registry had, in one transaction with `also`; the journal says where from. Numbers
  // below `last_version` are never given here.
  using Also = std::function<Result<void>(store::Session&)>;
  Result<void> import_model(const Caller& caller, const RegisteredModel& model, int64_t last_version, const Also& also);
  // Under the rules of create_version(); `conflict` when the number was ever used here.
  Result<void> import_version(const Caller& caller, const Project* project, const ImportedVersion& imported,
                              const Also& also);
  Result<void> describe_version(const Caller& caller, const std::string& model, int64_t version,
                                const std::string& description);
  Result<void> delete_version(const Caller& caller, const Project* project, const std::string& model, int64_t version);
  Result<void> tag_version(const Caller& caller, const std::string& model, int64_t version, const track::KeyValue& tag);
  Result<void> untag_version(const Caller& caller, const std::string& model, int64_t version, const std::string& key);
  Result<void> set_stage(const Caller& caller, const Project* project, const StageMove& move);
  // Are the bytes that are kept still those that were registered? Reads them all; `rejected` names the first file that
  // is not.
  Result<void> check_files(const std::string& workspace, const std::string& model, int64_t version) const;
  // Where a client finds the files; those of a version that the pipeline made are put there first.
  Result<std::string> download_uri(const Caller& caller, const std::string& model, int64_t version);

  // A version with the blobs of its model and contract, whatever its state: to be tried, not to be released.
  struct Candidate {
    std::string digest, file, contract;  // of the model; paths
    std::optional<double> threshold;     // where its gates were evaluated
  };
  Result<Candidate> candidate(const std::string& workspace, const std::string& model, int64_t version) const;

  // Brings the snapshot files in line with the records (after a crash between the two). Call once at start.
  Result<void> reconcile();
  // Takes over what other servers on the same store have released since `seen` (deployment -> number, kept by the
  // caller): files in place, then on_release(). Answers how many; what cannot be taken over yet is tried at the next
  // call, and the first reason is the error.
  using Seen = std::map<std::pair<std::string, std::string>, int64_t>;
  Result<size_t> follow(Seen& seen);

  // Set before use; main/ joins the data plane and monitoring here.
  // Can this be served? Asked when the files are in place, before there is a record.
  std::function<Result<void>(const ReleaseSnapshot& snapshot)> check_release;
  // After a release's snapshot is in place. An error is the caller's answer: the record stays, and is not served yet.
  std::function<Result<void>(const std::string& deployment)> on_release;
  // The logged requests of a deployment through a version, as a report (monitor/rollout/replay.h). not_found without
  // any.
  struct ReplayOrder {
    std::string workspace, deployment;
    int64_t version = 0;
    Micros from = 0;                  // of event time
    std::optional<double> threshold;  // the version's
  };
  std::function<Result<Json>(const ReplayOrder& order)> replay;
  // How far the deployment's events have come; 0 = the wall clock.
  std::function<Micros(const std::string& workspace, const std::string& deployment)> event_now;

 private:
  Result<Release> move_traffic(const Caller& caller, const TrafficOrder& order);
  Result<std::vector<Json>> replay_deployments(const Caller& caller, const Project& project,
                                               const ModelVersion& version, int64_t days,
                                               std::optional<double> threshold) const;
  Result<Release> canary_aa(const Caller& caller, const DeploymentSpec& spec, const Move& move);
  Result<std::string> ask(const Caller& caller, const Project* project, const Wanted& wanted);
  Result<std::string> ask_release(const Caller& caller, const Project& project, const DeploymentSpec& spec,
                                  const Move& move);
  Result<void> gather_evidence(const Caller& caller, const Project* project, const std::string& model, int64_t version);
  Result<void> trace_version(const Caller& caller, const Project& project, const ModelSpec& spec, int64_t version);
  Result<void> carry_out(const Caller& caller, const Project* project, const ChangeRequest& request);
  Result<void> mend(const std::string& workspace, const std::string& deployment);

  Parts parts_;
};

}  // namespace millrace::registry
