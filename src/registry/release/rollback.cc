// The steps that take a version off traffic, rollback and stop; and what was live when.
#include <fmt/format.h>

#include "core/limits.h"
#include "registry/release/traffic.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

// The newest earlier release whose stable arm was another version. A rollback stands where the release stands that it
// restored: who goes back from there goes further back.
Result<StoredRelease> former_release(store::Session& session, const std::string& workspace, const Release& live) {
  MILLRACE_TRY(int64_t origin, origin_of(session, workspace, live));
  while (origin > 1) {
    MILLRACE_TRY(const auto before, get_release(session, workspace, live.deployment, origin - 1));
    MILLRACE_TRY(origin, origin_of(session, workspace, before.release));
    if (before.release.stable().node() != live.stable().node())
      return get_release(session, workspace, live.deployment, origin);
  }
  return Error{Code::rejected, fmt::format("{} cannot be rolled back: no other version was live on '{}' before it",
                                           live.node(), live.deployment)}
      .hint("release another version: millrace release create " + live.deployment);
}

// The stable arm of a release, alone.
Result<TrafficPlan> back_to(store::Session& session, const std::string& workspace, const StoredRelease& to,
                            std::string step) {
  TrafficPlan plan{.step = std::move(step)};
  MILLRACE_TRY(plan.snapshot, parse_snapshot(to.snapshot, to.release.node()));
  plan.snapshot.canary.reset();
  plan.snapshot.canary_share = 0;
  plan.snapshot.rollout.reset();
  plan.snapshot.shadows.clear();
  MILLRACE_TRY(plan.approvals, approvals_of(session, workspace, to.release, plan.snapshot.stable));
  return plan;
}

}  // namespace

Result<Release> Registry::rollback(const Caller& caller, const std::string& deployment, const Move& move) {
  const auto decide = [&](store::Session& session, const std::optional<StoredRelease>& stored) -> Result<TrafficPlan> {
    MILLRACE_TRY(const auto live, get_live(stored, deployment));
    if (live.release.canary) {
      MILLRACE_TRY(auto plan, back_to(session, caller.workspace, live, "rollback"));
      MILLRACE_TRY(plan.restores, origin_of(session, caller.workspace, live.release));
      return plan;
    }
    MILLRACE_TRY(const auto former, former_release(session, caller.workspace, live.release));
    MILLRACE_TRY(auto plan, back_to(session, caller.workspace, former, "rollback"));
    plan.restores = former.release.number;
    return plan;
  };
  return move_traffic(caller, {.deployment = deployment, .move = move, .what = "a rollback", .decide = decide});
}

Result<Release> Registry::stop(const Caller& caller, const std::string& deployment, const Move& move) {
  const auto decide = [&](store::Session& session, const std::optional<StoredRelease>& stored) -> Result<TrafficPlan> {
    MILLRACE_TRY(const auto live, get_live(stored, deployment));
    if (!live.release.canary && live.release.shadows.empty())
      return Error{Code::conflict,
                   fmt::format("'{}' has neither canary nor shadow, by {}", deployment, live.release.node())}
          .hint("there is nothing to do");
    return back_to(session, caller.workspace, live, "stop");
  };
  return move_traffic(caller, {.deployment = deployment, .move = move, .what = "a stop", .decide = decide});
}

Result<std::vector<Release>> Registry::releases(const std::string& workspace, const std::string& deployment) const {
  std::vector<Release> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto live, newest_release(session, workspace, deployment));
    for (int64_t number = live ? live->release.number : 0; number > 0 && out.size() < limits::page_size; --number) {
      MILLRACE_TRY(auto stored, get_release(session, workspace, deployment, number));
      out.push_back(std::move(stored.release));
    }
    return {};
  }));
  return out;
}

Result<std::optional<Release>> Registry::current(const std::string& workspace, const std::string& deployment) const {
  MILLRACE_TRY(auto live, read_one<std::optional<StoredRelease>>(parts_.database, [&](store::Session& session) {
                 return newest_release(session, workspace, deployment);
               }));
  return live ? std::optional(std::move(live->release)) : std::nullopt;
}

}  // namespace millrace::registry
