#include "registry/records.h"

#include <fmt/format.h>

#include "core/hash.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

// What we wrote ourselves: anything else on disk is damage.
Result<Json> stored_json(const store::Row& row, size_t column, const std::string& node) {
  auto json = parse_json(row.text(column), node);
  if (!json)
    return Error{Code::corrupt, fmt::format("the record of {} is not as it was written", node)}.hint(
        "restore the state folder from a backup; millrace audit verify says where it changed");
  return json;
}

Digests digests_of(const Json& json) {
  return {.model = string_or(json, "model", ""),
          .data = string_or(json, "data", ""),
          .code = string_or(json, "code", ""),
          .environment = string_or(json, "environment", ""),
          .contract = string_or(json, "contract", ""),
          .report = ""};
}

Result<void> add_evaluation(store::Session& session, const std::string& workspace, StoredVersion& stored) {
  auto& version = stored.version;
  MILLRACE_TRY(const auto row, session.first("SELECT number, report, policy, results FROM gate_evaluations WHERE "
                                             "workspace = ? AND model = ? AND version = ? ORDER BY number DESC LIMIT 1",
                                             {workspace, version.model, version.version}));
  if (!row) return {};
  stored.evaluation = row->integer(0);
  version.digests.report = row->text(1);
  MILLRACE_TRY(stored.policy, stored_json(*row, 2, version.node()));
  MILLRACE_TRY(const auto results, stored_json(*row, 3, version.node()));
  for (const auto& result : results) version.gates.push_back(gate_result_of(result));
  return {};
}

Result<void> add_approvals(store::Session& session, const std::string& workspace, StoredVersion& stored) {
  auto& version = stored.version;
  MILLRACE_TRY(const auto rows, session.query("SELECT subject, why, at, covered, node FROM approvals WHERE workspace = "
                                              "? AND model = ? AND version = ? ORDER BY at, subject",
                                              {workspace, version.model, version.version}));
  const auto covered = covered_by(version.digests);
  for (const auto& row : rows)
    version.approvals.push_back({{"subject", row.text(0)},
                                 {"why", row.text(1)},
                                 {"at", to_iso(row.integer(2))},
                                 {"covers", row.text(3)},
                                 {"node", row.text(4)},
                                 {"holds", stored.evaluation > 0 && row.text(3) == covered}});
  return {};
}

Result<int64_t> last_version(store::Session& session, const std::string& workspace, const std::string& model) {
  MILLRACE_TRY(
      const auto row,
      session.first("SELECT max(version) FROM model_versions WHERE workspace = ? AND model = ?", {workspace, model}));
  return row && !row->is_null(0) ? row->integer(0) : int64_t{0};
}

StoredRelease release_of(const store::Row& row) {
  StoredRelease out;
  out.release = {.deployment = row.text(0),
                 .number = row.integer(1),
                 .model = row.text(2),
                 .version = row.integer(3),
                 .restores = row.integer(4),
                 .model_digest = row.text(5),
                 .reason = row.text(6),
                 .subject = row.text(7),
                 .created_at = row.integer(8)};
  out.contract_blob = row.text(9);
  out.snapshot = row.text(10);
  return out;
}

constexpr std::string_view kReleaseColumns =
    "deployment, number, model, version, restores, model_digest, reason, subject, created_at, contract_blob, snapshot";

}  // namespace

Json Digests::to_json() const {
  return {{"model", model},       {"data", data},    {"code", code}, {"environment", environment},
          {"contract", contract}, {"report", report}};
}

std::string model_node(std::string_view model, int64_t version) { return fmt::format("model:{}@{}", model, version); }
std::string ModelVersion::node() const { return model_node(model, version); }
std::string Release::node() const { return fmt::format("release:{}@{}", deployment, number); }

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
          {"created_at", to_iso(created_at)}};
}

Json Release::to_json() const {
  return {{"node", node()},
          {"deployment", deployment},
          {"number", number},
          {"model", model},
          {"version", version},
          {"model_digest", model_digest},
          {"restores", restores == 0 ? Json(nullptr) : Json(restores)},
          {"reason", reason},
          {"subject", subject},
          {"created_at", to_iso(created_at)}};
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

std::string covered_by(const Digests& digests) { return digest_of(to_text(digests.to_json())); }

Result<StoredVersion> get_stored(store::Session& session, const std::string& workspace, const std::string& model,
                                 int64_t version) {
  MILLRACE_TRY(const auto row, session.first("SELECT run_id, stage_node, author, digests, files, facts, created_at "
                                             "FROM model_versions WHERE workspace = ? AND model = ? AND version = ?",
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
  MILLRACE_TRY(const auto digests, stored_json(*row, 3, out.version.node()));
  out.version.digests = digests_of(digests);
  MILLRACE_TRY(out.files, stored_json(*row, 4, out.version.node()));
  MILLRACE_TRY(out.facts, stored_json(*row, 5, out.version.node()));
  out.version.created_at = row->integer(6);
  MILLRACE_DO(add_evaluation(session, workspace, out));
  MILLRACE_DO(add_approvals(session, workspace, out));
  out.version.state = state_of(out.version, out.policy);
  return out;
}

Result<std::optional<StoredRelease>> newest_release(store::Session& session, const std::string& workspace,
                                                    const std::string& deployment) {
  MILLRACE_TRY(
      const auto row,
      session.first(
          fmt::format("SELECT {} FROM releases WHERE workspace = ? AND deployment = ? ORDER BY number DESC LIMIT 1",
                      kReleaseColumns),
          {workspace, deployment}));
  return row ? std::optional(release_of(*row)) : std::nullopt;
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
  return release_of(*row);
}

}  // namespace millrace::registry
