// Aliases of model versions. One that a deployment binds is that deployment's stable arm: it is read from the live
// release and set by releasing. The others are labels.
#include <algorithm>

#include <fmt/format.h>

#include "registry/rules.h"
#include "registry/traffic.h"

namespace millrace::registry {
namespace {

Result<std::vector<DeploymentSpec>> binding(const Project* project, const std::string& model) {
  std::vector<DeploymentSpec> out;
  if (project == nullptr) return out;
  MILLRACE_TRY(auto all, read_deployments(*project));
  for (auto& spec : all)
    if (!spec.alias.empty() && (model.empty() || spec.model == model)) out.push_back(std::move(spec));
  return out;
}

Result<std::optional<DeploymentSpec>> binder_of(const Project* project, const std::string& model,
                                                const std::string& alias) {
  MILLRACE_TRY(auto all, binding(project, model));
  for (auto& spec : all)
    if (spec.alias == alias) return std::optional(std::move(spec));
  return std::optional<DeploymentSpec>();
}

Result<void> may_label(const Caller& caller, const std::string& model) {
  if (caller.has_role("writer") || caller.is_local()) return {};
  return Error{Code::denied,
               fmt::format("{} may not set aliases of '{}': that takes the role 'writer'", caller.subject, model)}
      .hint("ask for a token with that role: millrace token create --subject NAME --role writer");
}

Result<std::string> label_now(store::Session& session, const Caller& caller, const std::string& model,
                              const std::string& alias) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT version FROM model_aliases WHERE workspace = ? AND model = ? AND alias = ?",
                             {caller.workspace, model, alias}));
  return row ? model_node(model, row->integer(0)) : std::string();
}

lineage::Change alias_line(std::string kind, const Alias& alias, std::string before, std::string after) {
  return {.kind = std::move(kind),
          .node = after.empty() ? before : after,
          .before = std::move(before),
          .after = std::move(after),
          .body = {{"model", alias.model}, {"alias", alias.name}}};
}

}  // namespace

Result<std::vector<Alias>> Registry::aliases(const std::string& workspace, const Project* project,
                                             const std::string& model) const {
  MILLRACE_TRY(const auto bound, binding(project, model));
  std::vector<Alias> out;
  const auto is_bound = [&](const std::string& of, const std::string& alias) {
    return std::any_of(bound.begin(), bound.end(),
                       [&](const auto& spec) { return spec.model == of && spec.alias == alias; });
  };
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    for (const auto& spec : bound) {
      MILLRACE_TRY(const auto live, newest_release(session, workspace, spec.name));
      if (live && live->release.model == spec.model)
        out.push_back({spec.model, spec.alias, live->release.version, spec.name});
    }
    MILLRACE_TRY(const auto rows, session.query("SELECT model, alias, version FROM model_aliases WHERE workspace = ? "
                                                "AND (model = ? OR ? = '') ORDER BY model, alias",
                                                {workspace, model, model}));
    for (const auto& row : rows)
      if (!is_bound(row.text(0), row.text(1))) out.push_back({row.text(0), row.text(1), row.integer(2), ""});
    return {};
  }));
  return out;
}

Result<void> Registry::set_alias(const Caller& caller, const Project* project, const Alias& wanted) {
  MILLRACE_DO(check_alias(wanted.name));
  MILLRACE_TRY(const auto version, get(caller.workspace, wanted.model, wanted.version));
  MILLRACE_TRY(const auto spec, binder_of(project, wanted.model, wanted.name));
  if (spec) {
    MILLRACE_DO(may_move_traffic(caller, spec->name));
    MILLRACE_TRY(const auto live, current(caller.workspace, spec->name));
    if (live && live->stable().node() == version.node()) return {};
    MILLRACE_TRY(const auto done, release(caller, *project, *spec, wanted.version,
                                          fmt::format("alias '{}' set through MLflow", wanted.name)));
    (void)done;
    return {};
  }
  MILLRACE_DO(may_label(caller, wanted.model));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto before, label_now(session, caller, wanted.model, wanted.name));
    if (before == version.node()) return lineage::Change{};
    MILLRACE_TRY(const auto rows,
                 session.execute("INSERT INTO model_aliases (workspace, model, alias, version, subject, set_at) VALUES "
                                 "(?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, model, alias) DO UPDATE SET version = "
                                 "excluded.version, subject = excluded.subject, set_at = excluded.set_at",
                                 {caller.workspace, wanted.model, wanted.name, wanted.version, caller.subject,
                                  parts_.context.now()}));
    (void)rows;
    return alias_line("model.alias.set", wanted, before, version.node());
  }));
  (void)line;
  return {};
}

Result<void> Registry::delete_alias(const Caller& caller, const Project* project, const std::string& model,
                                    const std::string& name) {
  MILLRACE_TRY(const auto spec, binder_of(project, model, name));
  if (spec)
    return Error{Code::conflict, fmt::format("the alias '{}' is the stable arm of the deployment '{}', which cannot be "
                                             "without one",
                                             name, spec->name)}
        .hint(fmt::format("set it to another version, go back with 'millrace release rollback {}', or take 'alias' out "
                          "of deployments.{}",
                          spec->name, spec->name));
  MILLRACE_DO(may_label(caller, model));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto before, label_now(session, caller, model, name));
    if (before.empty()) return lineage::Change{};
    MILLRACE_TRY(const auto rows,
                 session.execute("DELETE FROM model_aliases WHERE workspace = ? AND model = ? AND alias = ?",
                                 {caller.workspace, model, name}));
    (void)rows;
    return alias_line("model.alias.deleted", {.model = model, .name = name}, before, "");
  }));
  (void)line;
  return {};
}

Result<std::vector<VersionEntry>> Registry::catalogue(const std::string& workspace) const {
  std::vector<VersionEntry> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows, session.query("SELECT model, version, run_id, author, created_at FROM model_versions "
                                                "WHERE workspace = ? ORDER BY model, version",
                                                {workspace}));
    for (const auto& row : rows) out.push_back({row.text(0), row.integer(1), row.text(2), row.text(3), row.integer(4)});
    return {};
  }));
  return out;
}

}  // namespace millrace::registry
