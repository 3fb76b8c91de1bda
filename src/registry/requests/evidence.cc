// What a version rests on where the pipeline did not make it: a client's files that a stage made are that stage's
// model; of models that no project names the evidence is what their run logged.
#include <fmt/format.h>

#include "registry/facts.h"
#include "registry/models/package.h"
#include "registry/requests/rows.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

Error unknown_origin(const ModelVersion& version, const ModelSpec& spec) {
  return Error{Code::rejected, fmt::format("{} was registered through MLflow, and no record of the stage '{}' made one "
                                           "of its files: its gates cannot be evaluated",
                                           version.node(), spec.stage)}
      .at(spec.where)
      .hint(
          fmt::format("log the file '{}' that the stage makes, or: millrace model register {}", spec.file, spec.name));
}

lineage::Change traced(const ModelVersion& version, const Gathered& found) {
  lineage::Change change{.kind = "model.version.traced",
                         .node = version.node(),
                         .before = version.digests.model,
                         .after = found.digests.model,
                         .body = {{"stage", found.stage_node}, {"digests", found.digests.to_json()}}};
  change.nodes.push_back(found.contract);
  change.edges = found.edges;
  for (auto& edge : change.edges) edge.target = version.node();
  return change;
}

// What a run logged, as evidence: without times, so that the same evidence has the same digest.
Result<Json> logged_evidence(const Parts& parts, const Caller& caller, const StoredVersion& stored,
                             const ModelSpec& plain) {
  Json digests = stored.version.digests.to_json();
  digests.erase("report");
  Json out{{"model", stored.version.model},     {"version", stored.version.version}, {"digests", std::move(digests)},
           {"content", stored.version.content}, {"policy", policy_of(plain)},        {"gates", Json::array()}};
  if (stored.version.run_id.empty()) return out;
  const auto run = parts.tracking.get_run(caller, stored.version.run_id);
  if (!run) return out;
  Json params = Json::object(), metrics = Json::object();
  for (const auto& param : run->params) params[param.key] = param.value;
  for (const auto& metric : run->metrics) metrics[metric.key] = metric.value;
  out["run"] = {{"id", run->info.id}, {"params", std::move(params)}, {"metrics", std::move(metrics)}};
  return out;
}

}  // namespace

Result<void> Registry::trace_version(const Caller& caller, const Project& project, const ModelSpec& spec,
                                     int64_t version) {
  MILLRACE_TRY(const auto seen, read_one<StoredVersion>(parts_.database, [&](store::Session& session) {
                 return get_present(session, caller.workspace, spec.name, version);
               }));
  if (!seen.version.stage_node.empty()) return {};
  MILLRACE_TRY(const auto files, recorded_files(parts_.blobs, seen.version));
  std::vector<std::string> digests;
  for (const auto& file : files) digests.push_back(file.digest);
  MILLRACE_TRY(const auto found, gather_for(parts_, caller, project, spec, digests));
  if (!found) return unknown_origin(seen.version, spec);
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto stored, get_present(session, caller.workspace, spec.name, version));
    if (!stored.version.stage_node.empty()) return lineage::Change{};
    Json facts = found->facts;
    if (const auto* logged = find(stored.facts, "logged")) facts["logged"] = *logged;
    MILLRACE_TRY(const auto rows,
                 session.execute("UPDATE model_versions SET stage_node = ?, digests = ?, files = ?, facts = ? WHERE "
                                 "workspace = ? AND model = ? AND version = ?",
                                 {found->stage_node, to_text(found->digests.to_json()), to_text(found->files),
                                  to_text(facts), caller.workspace, spec.name, version}));
    (void)rows;
    return traced(stored.version, *found);
  }));
  (void)line;
  return {};
}

Result<void> Registry::gather_evidence(const Caller& caller, const Project* project, const std::string& model,
                                       int64_t version) {
  MILLRACE_TRY(const auto spec, spec_of(project, model));
  MILLRACE_TRY(const auto seen, read_one<StoredVersion>(parts_.database, [&](store::Session& session) {
                 return get_present(session, caller.workspace, model, version);
               }));
  if (spec) {
    if (seen.evaluation > 0 && seen.policy == policy_of(*spec)) return {};
    MILLRACE_TRY(const auto evaluated, evaluate_gates(caller, *project, *spec, version));
    (void)evaluated;
    return {};
  }
  if (seen.version.content.empty())
    return Error{Code::rejected, fmt::format("the files of {} are not kept here: nobody can say what would be approved",
                                             seen.version.node())}
        .hint("log them to this server and register that");
  MILLRACE_TRY(const auto plain, governing_spec(project, model));
  MILLRACE_TRY(const auto evidence, logged_evidence(parts_, caller, seen, plain));
  MILLRACE_TRY(const auto report, parts_.blobs.put(to_text(evidence)));
  if (seen.evaluation > 0 && seen.version.digests.report == report) return {};
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto now, get_present(session, caller.workspace, model, version));
    if (now.evaluation > 0 && now.version.digests.report == report) return lineage::Change{};
    MILLRACE_TRY(const auto rows,
                 session.execute("INSERT INTO gate_evaluations (workspace, model, version, number, passed, report, "
                                 "policy, results, subject, evaluated_at) VALUES (?, ?, ?, ?, 1, ?, ?, '[]', ?, ?)",
                                 {caller.workspace, model, version, now.evaluation + 1, report,
                                  to_text(policy_of(plain)), caller.subject, parts_.context.now()}));
    (void)rows;
    const auto node = now.version.node();
    const auto target = fmt::format("report:{}.{}@{}", model, version, report.substr(7, 12));
    lineage::Change change{.kind = "model.gates.evaluated",
                           .node = node,
                           .before = now.version.digests.report,
                           .after = report,
                           .body = {{"report", report}, {"gates", Json::array()}}};
    change.nodes.push_back({.id = target, .digest = report, .attributes = {{"model", node}}});
    change.edges.push_back({.source = node, .target = target, .kind = "checked_by"});
    return change;
  }));
  (void)line;
  return {};
}

}  // namespace millrace::registry
