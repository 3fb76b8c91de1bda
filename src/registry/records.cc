#include "registry/records.h"

#include <map>

#include <fmt/format.h>

#include "core/hash.h"
#include "registry/models/keys.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

// What we wrote ourselves: anything else on disk is damage.
Result<Json> stored_json(const std::string& text, const std::string& node) {
  auto json = parse_json(text, node);
  if (!json)
    return Error{Code::corrupt, fmt::format("the record of {} is not as it was written", node)}.hint(
        "restore the state folder from a backup; millrace audit verify says where it changed");
  return json;
}

Result<int64_t> last_version(store::Session& session, const std::string& workspace, const std::string& model) {
  MILLRACE_TRY(
      const auto row,
      session.first("SELECT max(version) FROM model_versions WHERE workspace = ? AND model = ?", {workspace, model}));
  return row && !row->is_null(0) ? row->integer(0) : int64_t{0};
}

// The snapshot describes the arms; the row adds what it cannot know.
Result<StoredRelease> stored_release(const store::Row& row) {
  StoredRelease out;
  out.snapshot = row.text(0);
  const auto node = fmt::format("release:{}@{}", row.text(1), row.integer(2));
  MILLRACE_TRY(const auto snapshot, parse_snapshot(out.snapshot, node));
  out.release = release_of(snapshot);
  out.release.restores = row.integer(3);
  out.release.step = row.text(4);
  out.release.event_time = row.integer(5);
  if (const auto evidence = row.text(6); !evidence.empty()) {
    MILLRACE_TRY(out.release.evidence, stored_json(evidence, node));
  }
  return out;
}

constexpr std::string_view kReleaseColumns = "snapshot, deployment, number, restores, step, event_time, evidence";

Json arm_json(const ReleaseArm& arm) {
  return {{"model", arm.model}, {"version", arm.version}, {"digest", arm.digest}};
}

ReleaseArm arm_of(const ReleasedModel& model) { return {model.model, model.version, model.digest}; }

}  // namespace

Json Digests::to_json() const {
  return {{"model", model},       {"data", data},    {"code", code}, {"environment", environment},
          {"contract", contract}, {"report", report}};
}

std::string model_node(std::string_view model, int64_t version) { return fmt::format("model:{}@{}", model, version); }
std::string ModelVersion::node() const { return model_node(model, version); }
std::string Release::node() const { return fmt::format("release:{}@{}", deployment, number); }
std::string ReleaseArm::node() const { return model_node(model, version); }

Release release_of(const ReleaseSnapshot& snapshot) {
  Release out{.deployment = snapshot.deployment,
              .number = snapshot.release,
              .model = snapshot.stable.model,
              .version = snapshot.stable.version,
              .model_digest = snapshot.stable.digest,
              .canary_share = snapshot.canary_share,
              .reason = snapshot.reason,
              .subject = snapshot.subject,
              .created_at = snapshot.created_at};
  if (snapshot.canary) out.canary = arm_of(*snapshot.canary);
  for (const auto& shadow : snapshot.shadows) out.shadows.push_back(arm_of(shadow));
  return out;
}

Json ModelVersion::to_json() const {
  Json results = Json::array();
  for (const auto& gate : gates) results.push_back(registry::to_json(gate));
  return {{"node", node()},
          {"model", model},
          {"version", version},
          {"state", state},
          {"run_id", run_id},
          {"stage", stage_node},
          {"author", author},
          {"digests", digests.to_json()},
          {"gates", std::move(results)},
          {"approvals", approvals},
          {"source", source},
          {"content", content},
          {"mlflow_stage", stage},
          {"created_at", to_iso(created_at)}};
}

Json Release::to_json() const {
  Json listening = Json::array(), answering;
  for (const auto& shadow : shadows) listening.push_back(arm_json(shadow));
  if (canary) {
    answering = arm_json(*canary);
    answering["share"] = canary_share;
  }
  return {{"node", node()},
          {"deployment", deployment},
          {"number", number},
          {"step", step},
          {"stable", arm_json(stable())},
          {"canary", std::move(answering)},
          {"shadows", std::move(listening)},
          {"model", model},
          {"version", version},
          {"model_digest", model_digest},
          {"restores", restores == 0 ? Json(nullptr) : Json(restores)},
          {"reason", reason},
          {"subject", subject},
          {"created_at", to_iso(created_at)},
          {"event_time", to_iso(event_time)},
          {"evidence", evidence}};
}

Json to_json(const GateResult& result) {
  return {{"kind", result.kind},
          {"parameters", result.parameters},
          {"ok", result.ok},
          {"value", result.value},
          {"reason", result.reason}};
}

GateResult gate_result_of(const Json& json) {
  return {.kind = string_or(json, "kind", ""),
          .parameters = json.value("parameters", Json::object()),
          .ok = json.value("ok", false),
          .value = json.value("value", Json()),
          .reason = string_or(json, "reason", "")};
}

Json policy_of(const ModelSpec& spec) {
  Json gates = Json::array();
  for (const auto& gate : spec.gates) gates.push_back({{"kind", gate.kind}, {"parameters", gate.parameters}});
  return {{"gates", std::move(gates)}, {"approvals", {{"count", spec.approvals}, {"role", spec.approver_role}}}};
}

Result<Digests> digests_in(const std::string& text, const std::string& node) {
  MILLRACE_TRY(const auto json, stored_json(text, node));
  return Digests{.model = string_or(json, "model", ""),
                 .data = string_or(json, "data", ""),
                 .code = string_or(json, "code", ""),
                 .environment = string_or(json, "environment", ""),
                 .contract = string_or(json, "contract", ""),
                 .report = ""};
}

Result<void> add_evidence(store::Session& session, const std::string& workspace,
                          const std::vector<StoredVersion*>& versions) {
  std::map<VersionKey, StoredVersion*> by_key;
  std::vector<VersionKey> keys;
  for (auto* each : versions) {
    keys.emplace_back(each->version.model, each->version.version);
    by_key.emplace(keys.back(), each);
  }
  MILLRACE_DO(in_pieces(keys, [&](const std::vector<VersionKey>& piece) -> Result<void> {
    store::Values values;
    const auto wanted = wanted_keys(piece, values);
    values.emplace_back(workspace);
    MILLRACE_TRY(
        const auto evaluations,
        session.query(fmt::format("{}SELECT t.model, t.version, t.number, t.report, t.policy, t.results FROM {} "
                                  "AND NOT EXISTS (SELECT 1 FROM gate_evaluations n WHERE n.workspace = "
                                  "t.workspace AND n.model = t.model AND n.version = t.version AND n.number > "
                                  "t.number)",
                                  wanted, of_wanted("gate_evaluations")),
                      values));
    for (const auto& row : evaluations) {
      auto& stored = *by_key.at({row.text(0), row.integer(1)});
      stored.evaluation = row.integer(2);
      stored.version.digests.report = row.text(3);
      MILLRACE_TRY(stored.policy, stored_json(row.text(4), stored.version.node()));
      MILLRACE_TRY(const auto results, stored_json(row.text(5), stored.version.node()));
      for (const auto& result : results) stored.version.gates.push_back(gate_result_of(result));
    }
    MILLRACE_TRY(
        const auto approvals,
        session.query(fmt::format("{}SELECT t.model, t.version, t.subject, t.why, t.at, t.covered, t.node FROM "
                                  "{} ORDER BY t.model, t.version, t.at, t.subject",
                                  wanted, of_wanted("approvals")),
                      values));
    for (const auto& row : approvals) {
      auto& stored = *by_key.at({row.text(0), row.integer(1)});
      stored.version.approvals.push_back(
          {{"subject", row.text(2)},
           {"why", row.text(3)},
           {"at", to_iso(row.integer(4))},
           {"covers", row.text(5)},
           {"node", row.text(6)},
           {"holds", stored.evaluation > 0 && row.text(5) == covered_by(stored.version.digests)}});
    }
    return {};
  }));
  for (auto* each : versions) each->version.state = state_of(each->version, each->policy);
  return {};
}

std::string covered_by(const Digests& digests) { return digest_of(to_text(digests.to_json())); }

Result<StoredVersion> get_stored(store::Session& session, const std::string& workspace, const std::string& model,
                                 int64_t version) {
  MILLRACE_TRY(
      const auto row,
      session.first("SELECT run_id, stage_node, author, digests, files, facts, created_at, source, storage, content, "
                    "stage, deleted_at FROM model_versions WHERE workspace = ? AND model = ? AND version = ?",
                    {workspace, model, version}));
  if (!row) {
    MILLRACE_TRY(const auto last, last_version(session, workspace, model));
    return Error{Code::not_found, fmt::format("there is no version {} of the model '{}'", version, model)}.hint(
        last == 0 ? fmt::format("it has none yet: millrace model register {}", model)
                  : fmt::format("it has versions 1 to {}", last));
  }
  StoredVersion out;
  out.version.model = model;
  out.version.version = version;
  out.version.run_id = row->text(0);
  out.version.stage_node = row->text(1);
  out.version.author = row->text(2);
  MILLRACE_TRY(out.version.digests, digests_in(row->text(3), out.version.node()));
  MILLRACE_TRY(out.files, stored_json(row->text(4), out.version.node()));
  MILLRACE_TRY(out.facts, stored_json(row->text(5), out.version.node()));
  out.version.created_at = row->integer(6);
  out.version.source = row->text(7);
  out.version.storage = row->text(8);
  out.version.content = row->text(9);
  out.version.stage = row->text(10);
  out.version.deleted = row->integer(11) != 0;
  MILLRACE_DO(add_evidence(session, workspace, {&out}));
  return out;
}

Result<StoredVersion> get_present(store::Session& session, const std::string& workspace, const std::string& model,
                                  int64_t version) {
  MILLRACE_TRY(auto stored, get_stored(session, workspace, model, version));
  if (!stored.version.deleted) return stored;
  return Error{Code::not_found, fmt::format("there is no version {} of the model '{}'", version, model)}.hint(
      "it was deleted; its number is not used again");
}

Result<std::optional<StoredRelease>> newest_release(store::Session& session, const std::string& workspace,
                                                    const std::string& deployment) {
  MILLRACE_TRY(
      const auto row,
      session.first(
          fmt::format("SELECT {} FROM releases WHERE workspace = ? AND deployment = ? ORDER BY number DESC LIMIT 1",
                      kReleaseColumns),
          {workspace, deployment}));
  if (!row) return std::optional<StoredRelease>();
  MILLRACE_TRY(auto stored, stored_release(*row));
  return std::optional(std::move(stored));
}

Result<StoredRelease> get_release(store::Session& session, const std::string& workspace, const std::string& deployment,
                                  int64_t number) {
  MILLRACE_TRY(
      const auto row,
      session.first(
          fmt::format("SELECT {} FROM releases WHERE workspace = ? AND deployment = ? AND number = ?", kReleaseColumns),
          {workspace, deployment, number}));
  if (!row)
    return Error{Code::not_found, fmt::format("there is no release {} of the deployment '{}'", number, deployment)}
        .hint(fmt::format("millrace release list {}", deployment));
  return stored_release(*row);
}

}  // namespace millrace::registry
