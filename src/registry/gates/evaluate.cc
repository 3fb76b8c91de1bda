// Gates: evaluated one by one, their evidence kept as one blob without times, so that the same evidence has the same
// digest.
#include <algorithm>

#include <fmt/format.h>

#include "registry/facts.h"
#include "registry/gates/gate_kind.h"
#include "registry/records.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

struct Evaluated {
  std::vector<GateResult> results;
  std::string report;  // the blob's digest
  Scored scored;
};

Result<GateOutcome> look_at(const GateSpec& gate, const GateInput& input) {
  const auto* kind = find_gate_kind(gate.kind);
  if (kind == nullptr) return Error{Code::invalid, fmt::format("there is no gate '{}'", gate.kind)}.at(gate.where);
  auto outcome = kind->evaluate(gate.parameters, input);
  if (!outcome) return std::move(outcome).error().while_doing(fmt::format("evaluating the gate '{}'", gate.kind));
  return outcome;
}

// (days, threshold): reports of the deployments' traffic.
using Replays = std::function<Result<std::vector<Json>>(int64_t, std::optional<double>)>;

Result<Evaluated> evaluate(const Parts& parts, const Caller& caller, const ModelSpec& spec, const StoredVersion& stored,
                           const Replays& replays) {
  Evaluated out;
  MILLRACE_TRY(out.scored, scored_of(parts, caller.workspace, spec, stored.version.digests.model, stored.facts));
  MILLRACE_TRY(const auto data, datasets_of(parts, caller.workspace, stored.facts));
  MILLRACE_TRY(const auto path, parts.blobs.path_of(out.scored.digest));
  MILLRACE_TRY(
      const auto rows,
      ScoredRows::open(parts.engines,
                       {.name = out.scored.file, .path = path, .label = spec.label, .temp_folder = parts.temp_folder}));
  GateInput input{.data = data, .scored = rows, .card = spec.card, .threshold = out.scored.threshold};
  if (replays) input.replay = [&](int64_t days) { return replays(days, out.scored.threshold); };
  Json gates = Json::array();
  for (const auto& gate : spec.gates) {
    MILLRACE_TRY(auto outcome, look_at(gate, input));
    out.results.push_back({.kind = gate.kind,
                           .parameters = gate.parameters,
                           .ok = outcome.ok,
                           .value = std::move(outcome.value),
                           .reason = std::move(outcome.reason)});
    gates.push_back(to_json(out.results.back()));
    gates.back()["evidence"] = std::move(outcome.evidence);
  }
  Json digests = stored.version.digests.to_json();
  digests.erase("report");
  const Json report{
      {"model", spec.name}, {"version", stored.version.version}, {"digests", digests},  {"policy", policy_of(spec)},
      {"card", spec.card},  {"scored", out.scored.facts},        {"rows", rows.rows()}, {"positives", rows.positives()},
      {"gates", gates}};
  MILLRACE_TRY(out.report, parts.blobs.put(to_text(report)));
  return out;
}

std::string report_node(const StoredVersion& stored, const std::string& report) {
  return fmt::format("report:{}.{}@{}", stored.version.model, stored.version.version, report.substr(7, 12));
}

lineage::Change gates_evaluated(const StoredVersion& stored, const Evaluated& made, const std::string& before) {
  const auto node = stored.version.node();
  Json results = Json::array();
  for (const auto& result : made.results) results.push_back(to_json(result));
  lineage::Change change{.kind = "model.gates.evaluated",
                         .node = node,
                         .before = before,
                         .after = made.report,
                         .body = {{"report", made.report}, {"gates", std::move(results)}}};
  const auto report = report_node(stored, made.report);
  change.nodes.push_back({.id = report, .digest = made.report, .attributes = {{"model", node}}});
  change.edges.push_back({.source = node, .target = report, .kind = "checked_by"});
  change.edges.push_back({.source = made.scored.artifact, .target = report, .kind = "made_from"});
  return change;
}

}  // namespace

// From a midnight on, so that evaluating twice on a quiet day is the same evidence.
Result<std::vector<Json>> Registry::replay_deployments(const Caller& caller, const Project& project,
                                                       const ModelVersion& version, int64_t days,
                                                       std::optional<double> threshold) const {
  constexpr Micros kDay = Micros{86'400} * 1'000'000;
  MILLRACE_TRY(const auto deployments, read_deployments(project));
  std::vector<Json> out;
  for (const auto& deployment : deployments) {
    if (deployment.model != version.model) continue;
    const Micros told = event_now ? event_now(caller.workspace, deployment.name) : 0;
    const Micros now = told != 0 ? told : parts_.context.now();
    auto report = replay({.workspace = caller.workspace,
                          .deployment = deployment.name,
                          .version = version.version,
                          .from = std::max<Micros>(1, (now / kDay - days) * kDay),
                          .threshold = threshold});
    if (!report && report.error().code() == Code::not_found) continue;  // it has had no traffic
    if (!report)
      return std::move(report).error().while_doing(fmt::format("replaying the requests of '{}'", deployment.name));
    out.push_back(std::move(*report));
  }
  return out;
}

Result<ModelVersion> Registry::evaluate_gates(const Caller& caller, const Project& project, const ModelSpec& spec,
                                              int64_t version) {
  MILLRACE_DO(trace_version(caller, project, spec, version));
  MILLRACE_TRY(const auto stored, read_one<StoredVersion>(parts_.database, [&](store::Session& session) {
                 return get_present(session, caller.workspace, spec.name, version);
               }));
  Replays replays;
  if (replay)
    replays = [&](int64_t days, std::optional<double> threshold) {
      return replay_deployments(caller, project, stored.version, days, threshold);
    };
  auto evaluated = evaluate(parts_, caller, spec, stored, replays);
  if (!evaluated)
    return std::move(evaluated).error().while_doing(fmt::format("evaluating the gates of {}", stored.version.node()));
  const auto& made = *evaluated;
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto now, get_present(session, caller.workspace, spec.name, version));
    if (now.evaluation > 0 && now.version.digests.report == made.report) return lineage::Change{};
    bool passed = true;
    Json results = Json::array();
    for (const auto& result : made.results) {
      passed = passed && result.ok;
      results.push_back(to_json(result));
    }
    MILLRACE_TRY(
        const auto rows,
        session.execute("INSERT INTO gate_evaluations (workspace, model, version, number, passed, report, policy, "
                        "results, subject, evaluated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        {caller.workspace, spec.name, version, now.evaluation + 1, int64_t{passed}, made.report,
                         to_text(policy_of(spec)), to_text(results), caller.subject, parts_.context.now()}));
    (void)rows;
    return gates_evaluated(now, made, now.version.digests.report);
  }));
  (void)line;
  return get(caller.workspace, spec.name, version);
}

}  // namespace millrace::registry
