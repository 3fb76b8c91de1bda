#include "registry/requests/needs.h"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::registry {
namespace {

bool serves(const Release& release, const std::string& node) {
  if (release.stable().node() == node || (release.canary && release.canary->node() == node)) return true;
  return std::any_of(release.shadows.begin(), release.shadows.end(),
                     [&](const ReleaseArm& arm) { return arm.node() == node; });
}

}  // namespace

Result<void> check_unneeded(store::Session& session, const std::string& workspace, const Protection& protection,
                            const VersionEntry& version) {
  const auto node = model_node(version.model, version.version);
  MILLRACE_TRY(
      const auto deployments,
      session.query("SELECT DISTINCT deployment FROM releases WHERE workspace = ? ORDER BY deployment", {workspace}));
  for (const auto& row : deployments) {
    MILLRACE_TRY(const auto live, newest_release(session, workspace, row.text(0)));
    if (live && serves(live->release, node))
      return Error{Code::conflict,
                   fmt::format("{} is on the traffic of '{}', by {}", node, row.text(0), live->release.node())}
          .hint("release another version first: millrace release create " + row.text(0));
  }
  MILLRACE_TRY(
      const auto aliases,
      session.query("SELECT alias FROM model_aliases WHERE workspace = ? AND model = ? AND version = ? ORDER BY "
                    "alias",
                    {workspace, version.model, version.version}));
  for (const auto& row : aliases)
    if (protection.covers(row.text(0)))
      return Error{Code::conflict,
                   fmt::format("{} is '{}' of the model '{}', which is protected", node, row.text(0), version.model)}
          .hint("let the alias stand for another version first");
  if (protection.covers(version.stage))
    return Error{Code::conflict, fmt::format("{} is in the stage {} of the model '{}', which is protected", node,
                                             version.stage, version.model)}
        .hint("move it to the stage Archived first");
  return {};
}

Result<std::optional<std::string>> released_as(store::Session& session, const std::string& workspace,
                                               const std::string& model) {
  MILLRACE_TRY(
      const auto row,
      session.first("SELECT deployment FROM releases WHERE workspace = ? AND model = ? LIMIT 1", {workspace, model}));
  return row ? std::optional(row->text(0)) : std::nullopt;
}

}  // namespace millrace::registry
