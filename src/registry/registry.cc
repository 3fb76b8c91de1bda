#include "registry/registry.h"

#include <fmt/format.h>

#include "core/limits.h"
#include "registry/facts.h"
#include "registry/models/package.h"
#include "registry/models/rows.h"
#include "registry/signing/signatures.h"
#include "track/frozen.h"

namespace millrace::registry {
namespace {

Result<std::optional<int64_t>> find_identity(store::Session& session, const std::string& workspace,
                                             const std::string& model, const std::string& identity) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT version FROM model_versions WHERE workspace = ? AND model = ? AND identity = ?",
                             {workspace, model, identity}));
  return row ? std::optional(row->integer(0)) : std::nullopt;
}

lineage::Change version_created(const ModelSpec& spec, int64_t version, const Gathered& gathered) {
  const auto node = model_node(spec.name, version);
  lineage::Change change{.kind = "model.version.created",
                         .node = node,
                         .after = gathered.identity,
                         .body = {{"model", spec.name},
                                  {"version", version},
                                  {"digests", gathered.digests.to_json()},
                                  {"stage", gathered.stage_node}}};
  change.nodes.push_back({.id = node,
                          .digest = gathered.digests.model,
                          .attributes = {{"model", spec.name}, {"version", version}, {"identity", gathered.identity}}});
  change.nodes.push_back(gathered.contract);
  change.edges = gathered.edges;
  for (auto& edge : change.edges) edge.target = node;
  return change;
}

}  // namespace

Registry::Registry(Parts parts) : parts_(std::move(parts)) {}

Result<ModelVersion> Registry::register_version(const Caller& caller, const Project& project, const ModelSpec& spec) {
  auto gathered = gather(parts_, caller, project, spec);
  if (!gathered) return std::move(gathered).error().while_doing(fmt::format("registering the model '{}'", spec.name));
  const auto& made = *gathered;
  int64_t version = 0;
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto known, find_identity(session, caller.workspace, spec.name, made.identity));
    if (known) {
      version = *known;
      return lineage::Change{};
    }
    const auto now = parts_.context.now();
    MILLRACE_DO(ensure_registered(session, caller, spec.name, now));
    MILLRACE_TRY(version, next_version(session, caller.workspace, spec.name, now));
    MILLRACE_TRY(const auto content, package_digest(made.files, made.facts));
    MILLRACE_TRY(const auto rows,
                 session.execute(
                     "INSERT INTO model_versions (workspace, model, version, identity, run_id, stage_node, author, "
                     "digests, files, facts, created_at, content, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                     "?, ?, ?)",
                     {caller.workspace, spec.name, version, made.identity, made.run_id, made.stage_node, caller.subject,
                      to_text(made.digests.to_json()), to_text(made.files), to_text(made.facts), now, content, now}));
    (void)rows;
    if (!made.run_id.empty())
      MILLRACE_DO(
          track::freeze(session, caller.workspace, track::Frozen::run, made.run_id, model_node(spec.name, version)));
    return version_created(spec, version, made);
  }));
  (void)line;
  MILLRACE_DO(sign_if_missing(parts_, caller, project, spec.name, version));
  return get(caller.workspace, spec.name, version);
}

Result<std::vector<ModelVersion>> Registry::list(const std::string& workspace, const std::string& model) const {
  std::vector<ModelVersion> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT model, version FROM model_versions WHERE workspace = ? AND "
                               "(model = ? OR ? = '') AND deleted_at = 0 ORDER BY model, version DESC LIMIT ?",
                               {workspace, model, model, static_cast<int64_t>(limits::page_size)}));
    for (const auto& row : rows) {
      MILLRACE_TRY(auto stored, get_stored(session, workspace, row.text(0), row.integer(1)));
      out.push_back(std::move(stored.version));
    }
    return {};
  }));
  return out;
}

Result<ModelVersion> Registry::get(const std::string& workspace, const std::string& model, int64_t version) const {
  MILLRACE_TRY(auto stored, read_one<StoredVersion>(parts_.database, [&](store::Session& session) {
                 return get_present(session, workspace, model, version);
               }));
  return std::move(stored.version);
}

}  // namespace millrace::registry
