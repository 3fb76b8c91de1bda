// What an alias stood for, when, and who said so.
#include <algorithm>

#include "core/limits.h"
#include "registry/requests/binding.h"
#include "registry/requests/moves.h"
#include "registry/requests/requests.h"

namespace millrace::registry {
namespace {

AliasMove move_of(const Release& release) {
  return {.number = release.number,
          .version = release.version,
          .restores = release.restores,
          .subject = release.subject,
          .via = {},
          .why = release.reason,
          .request = {},
          .release = release.node(),
          .at = release.created_at};
}

// Releases that changed the stable arm, newest first.
Result<std::vector<AliasMove>> of_releases(store::Session& session, const std::string& workspace,
                                           const DeploymentSpec& spec) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT number FROM releases WHERE workspace = ? AND deployment = ? AND "
                             "model = ? AND (restores <> 0 OR step IN ('release', 'promote')) ORDER "
                             "BY number DESC LIMIT ?",
                             {workspace, spec.name, spec.model, static_cast<int64_t>(limits::page_size)}));
  std::vector<AliasMove> out;
  for (const auto& row : rows) {
    MILLRACE_TRY(const auto stored, get_release(session, workspace, spec.name, row.integer(0)));
    out.push_back(move_of(stored.release));
  }
  return out;
}

Result<std::vector<AliasMove>> of_labels(store::Session& session, const std::string& workspace,
                                         const std::string& model, const std::string& alias) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT number, version, restores, subject, via, why, request, at FROM model_alias_moves "
                             "WHERE workspace = ? AND model = ? AND alias = ? ORDER BY number DESC LIMIT ?",
                             {workspace, model, alias, static_cast<int64_t>(limits::page_size)}));
  std::vector<AliasMove> out;
  for (const auto& row : rows)
    out.push_back({.number = row.integer(0),
                   .version = row.integer(1),
                   .restores = row.integer(2),
                   .subject = row.text(3),
                   .via = row.text(4),
                   .why = row.text(5),
                   .request = row.text(6),
                   .release = {},
                   .at = row.integer(7)});
  return out;
}

}  // namespace

Json AliasMove::to_json() const {
  return {{"number", number},
          {"version", version == 0 ? Json() : Json(version)},
          {"restores", restores == 0 ? Json() : Json(restores)},
          {"subject", subject},
          {"via", via},
          {"why", why},
          {"request", request},
          {"release", release},
          {"at", to_iso(at)}};
}

Json StageMember::to_json() const {
  return {{"version", version}, {"stage", stage},     {"subject", subject}, {"via", via},
          {"why", why},         {"request", request}, {"at", to_iso(at)}};
}

Result<std::vector<AliasMove>> Registry::alias_moves(const std::string& workspace, const Project* project,
                                                     const std::string& model, const std::string& name) const {
  MILLRACE_TRY(const auto binder, binder_of(project, model, name));
  std::vector<AliasMove> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    if (binder) {
      MILLRACE_TRY(out, of_releases(session, workspace, *binder));
    }
    MILLRACE_TRY(const auto labels, of_labels(session, workspace, model, name));
    out.insert(out.end(), labels.begin(), labels.end());
    return {};
  }));
  return out;
}

Result<std::optional<AliasMove>> Registry::alias_at(const std::string& workspace, const Project* project,
                                                    const std::string& model, const std::string& name,
                                                    Micros at) const {
  MILLRACE_TRY(const auto moves, alias_moves(workspace, project, model, name));
  const auto found = std::find_if(moves.begin(), moves.end(), [&](const auto& move) { return move.at <= at; });
  if (found == moves.end() || found->version == 0) return std::optional<AliasMove>();
  return std::optional(*found);
}

}  // namespace millrace::registry
