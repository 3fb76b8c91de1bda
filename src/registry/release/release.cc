// The steps that put a version on an arm: release, shadow, canary, promote.
#include <algorithm>

#include <fmt/format.h>

#include "core/limits.h"
#include "registry/release/traffic.h"
#include "registry/requests/rows.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

Error nothing_to_do(const std::string& node, const std::string& what, const Release& live) {
  return Error{Code::conflict, fmt::format("{} is {} '{}' already, by {}", node, what, live.deployment, live.node())}
      .hint("there is nothing to do");
}

bool is_shadow(const ReleaseSnapshot& snapshot, const Arrival& arrival) {
  return std::any_of(snapshot.shadows.begin(), snapshot.shadows.end(),
                     [&](const ReleasedModel& shadow) { return same_version(shadow, arrival); });
}

void drop_shadow(ReleaseSnapshot& snapshot, const Arrival& arrival) {
  std::erase_if(snapshot.shadows, [&](const ReleasedModel& shadow) { return same_version(shadow, arrival); });
}

void say_deployment(const DeploymentSpec& spec, ReleaseSnapshot& snapshot) {
  snapshot.unit = spec.unit;
  snapshot.unit_header = spec.unit_header;
  snapshot.guard = spec.guard;
  snapshot.runtime = spec.runtime;
  snapshot.review = spec.review;
}

// The live arms, under what the project says of the deployment today.
Result<ReleaseSnapshot> arms_of(const StoredRelease& live, const DeploymentSpec& spec) {
  MILLRACE_TRY(auto snapshot, parse_snapshot(live.snapshot, live.release.node()));
  say_deployment(spec, snapshot);
  return snapshot;
}

void add(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// A plan that keeps the live stable arm, with what stands behind it.
Result<TrafficPlan> keeping_stable(store::Session& session, const std::string& workspace, const StoredRelease& live,
                                   const DeploymentSpec& spec) {
  TrafficPlan plan;
  MILLRACE_TRY(plan.snapshot, arms_of(live, spec));
  MILLRACE_TRY(plan.approvals, approvals_of(session, workspace, live.release, plan.snapshot.stable));
  return plan;
}

TrafficPlan stable_alone(const DeploymentSpec& spec, const Arrival& arrival, std::string step) {
  TrafficPlan plan{.step = std::move(step)};
  say_deployment(spec, plan.snapshot);
  plan.snapshot.stable = arrival.arm;
  plan.approvals = approvals_of(arrival);
  return plan;
}

Result<double> share_of(const DeploymentSpec& spec, const Move& move) {
  auto share = move.share ? move.share : spec.canary_share;
  if (!share && spec.rollout) share = spec.rollout->steps.front();
  if (!share)
    return Error{Code::invalid, fmt::format("the canary of '{}' has no share", spec.name)}.at_field("share").hint(
        fmt::format("say --share 0.1, or write deployments.{}.canary: {{share: 0.1}}", spec.name));
  if (!(*share > 0 && *share < 1))
    return Error{Code::invalid, fmt::format("the share of a canary is {}, and must be above 0 and below 1", *share)}
        .at_field("share")
        .hint("all of the traffic is: millrace release promote " + spec.name);
  return *share;
}

// The version that a promotion makes stable: the canary, or the shadow that is named.
Result<int64_t> promoted(const std::optional<StoredRelease>& stored, const DeploymentSpec& spec, const Move& move) {
  MILLRACE_TRY(const auto live, get_live(stored, spec.name));
  const auto& release = live.release;
  if (const auto& canary = release.canary) {
    if (canary->model != spec.model || (move.version != 0 && move.version != canary->version))
      return Error{Code::conflict,
                   fmt::format("{} is the canary of '{}', not {}", canary->node(), spec.name,
                               model_node(spec.model, move.version != 0 ? move.version : canary->version))}
          .hint("promote the canary, or end it first: millrace release stop " + spec.name);
    return canary->version;
  }
  if (move.version == 0)
    return Error{Code::conflict,
                 fmt::format("'{}' has no canary that could be promoted, by {}", spec.name, release.node())}
        .hint(release.shadows.empty() ? "start one: millrace release canary " + spec.name
                                      : "name one of its shadows with --version");
  for (const auto& shadow : release.shadows)
    if (shadow.model == spec.model && shadow.version == move.version) return move.version;
  return Error{Code::conflict, fmt::format("{} is neither canary nor shadow of '{}', by {}",
                                           model_node(spec.model, move.version), spec.name, release.node())}
      .hint("what has had no traffic is released: millrace release create " + spec.name);
}

// The approvals of a request stand in for the role of who carries it out.
Caller with_grant(const Caller& caller, const std::string& granted) {
  auto out = caller;
  if (!granted.empty()) out.roles.emplace_back("approver");
  return out;
}

}  // namespace

// A deployment's stable arm and the alias that it binds are one: what protects the alias protects the arm.
Result<std::string> Registry::ask_release(const Caller& caller, const Project& project, const DeploymentSpec& spec,
                                          const Move& move) {
  if (spec.alias.empty()) return std::string();
  MILLRACE_TRY(const auto live, current(caller.workspace, spec.name));
  if (live && live->model == spec.model && live->version == move.version) return std::string();
  return ask(caller, &project, {spec.model, "alias", spec.alias, move.version, false, move.why});
}

Result<Release> Registry::release(const Caller& caller, const Project& project, const DeploymentSpec& spec,
                                  const Move& move) {
  MILLRACE_DO(check_why(move.why, "a release"));
  MILLRACE_TRY(const auto granted, ask_release(caller, project, spec, move));
  const auto mover = with_grant(caller, granted);
  MILLRACE_DO(may_move_traffic(mover, spec.name));
  MILLRACE_TRY(const auto model, find_model(project, spec));
  MILLRACE_TRY(const auto arrival, read_arrival(parts_, caller.workspace, model, move.version, Duty::answers));
  const auto decide = [&](store::Session& session, const std::optional<StoredRelease>& live) -> Result<TrafficPlan> {
    MILLRACE_DO(check_arrival(session, caller.workspace, arrival));
    if (live && live->release.stable().node() == node_of(arrival.arm)) {
      auto error = nothing_to_do(node_of(arrival.arm), "live on", live->release);
      if (live->release.canary || !live->release.shadows.empty())
        error.hint("to end its canary and shadows: millrace release stop " + spec.name);
      return error;
    }
    return stable_alone(spec, arrival, "release");
  };
  return move_traffic(mover, {.deployment = spec.name,
                              .move = move,
                              .what = "a release",
                              .decide = decide,
                              .project = &project,
                              .request = granted});
}

Result<Release> Registry::shadow(const Caller& caller, const Project& project, const DeploymentSpec& spec,
                                 const Move& move) {
  MILLRACE_DO(may_move_traffic(caller, spec.name));
  MILLRACE_DO(check_why(move.why, "a shadow"));
  MILLRACE_TRY(const auto model, find_model(project, spec));
  MILLRACE_TRY(const auto arrival, read_arrival(parts_, caller.workspace, model, move.version, Duty::listens));
  const auto node = node_of(arrival.arm);
  const auto decide = [&](store::Session& session, const std::optional<StoredRelease>& stored) -> Result<TrafficPlan> {
    MILLRACE_DO(check_arrival(session, caller.workspace, arrival));
    MILLRACE_TRY(const auto live, get_live(stored, spec.name));
    MILLRACE_TRY(auto plan, keeping_stable(session, caller.workspace, live, spec));
    auto& arms = plan.snapshot;
    if (same_version(arms.stable, arrival)) return nothing_to_do(node, "the stable arm of", live.release);
    if (arms.canary && same_version(*arms.canary, arrival)) return nothing_to_do(node, "the canary of", live.release);
    if (is_shadow(arms, arrival)) return nothing_to_do(node, "a shadow of", live.release);
    if (arms.shadows.size() >= limits::release_shadows)
      return Error{Code::rejected,
                   fmt::format("'{}' has {} shadows, which is the most", spec.name, limits::release_shadows)}
          .hint("end them first: millrace release stop " + spec.name);
    if (arms.canary) {
      MILLRACE_TRY(const auto more, approvals_of(session, caller.workspace, live.release, *arms.canary));
      add(plan.approvals, more);
    }
    plan.step = "shadow";
    arms.shadows.push_back(arrival.arm);
    return plan;
  };
  return move_traffic(caller, {.deployment = spec.name, .move = move, .what = "a shadow", .decide = decide});
}

// The stable arm's version beside itself, under the project's policy.
Result<Release> Registry::canary_aa(const Caller& caller, const DeploymentSpec& spec, const Move& move) {
  MILLRACE_TRY(const auto share, share_of(spec, move));
  if (!spec.rollout)
    return Error{Code::invalid, fmt::format("the deployment '{}' has no policy that could be tried", spec.name)}
        .at_field("aa")
        .hint(fmt::format("write deployments.{}.rollout: {{alpha: 0.01}}", spec.name));
  const auto decide = [&](store::Session& session, const std::optional<StoredRelease>& stored) -> Result<TrafficPlan> {
    MILLRACE_TRY(const auto live, get_live(stored, spec.name));
    MILLRACE_TRY(auto plan, keeping_stable(session, caller.workspace, live, spec));
    auto& arms = plan.snapshot;
    if (move.version != 0 && (arms.stable.model != spec.model || arms.stable.version != move.version))
      return Error{Code::conflict, fmt::format("{} is not the stable arm of '{}', {} is",
                                               model_node(spec.model, move.version), spec.name, node_of(arms.stable))}
          .at_field("version")
          .hint("an A/A is of the stable arm's version: leave the version out");
    if (arms.canary)
      return Error{Code::conflict, fmt::format("{} is the canary of '{}', by {}", node_of(*arms.canary), spec.name,
                                               live.release.node())}
          .hint("end it first: millrace release stop " + spec.name);
    plan.step = "canary";
    arms.canary = arms.stable;
    arms.canary_share = share;
    arms.rollout = spec.rollout;
    arms.rollout->aa = true;
    return plan;
  };
  return move_traffic(caller, {.deployment = spec.name, .move = move, .what = "a canary", .decide = decide});
}

Result<Release> Registry::canary(const Caller& caller, const Project& project, const DeploymentSpec& spec,
                                 const Move& move) {
  MILLRACE_DO(may_move_traffic(caller, spec.name));
  MILLRACE_DO(check_why(move.why, "a canary"));
  if (move.aa) return canary_aa(caller, spec, move);
  MILLRACE_TRY(const auto model, find_model(project, spec));
  MILLRACE_TRY(const auto share, share_of(spec, move));
  MILLRACE_TRY(const auto arrival, read_arrival(parts_, caller.workspace, model, move.version, Duty::answers));
  const auto decide = [&](store::Session& session, const std::optional<StoredRelease>& stored) -> Result<TrafficPlan> {
    MILLRACE_DO(check_arrival(session, caller.workspace, arrival));
    MILLRACE_TRY(const auto live, get_live(stored, spec.name));
    MILLRACE_TRY(auto plan, keeping_stable(session, caller.workspace, live, spec));
    auto& arms = plan.snapshot;
    if (same_version(arms.stable, arrival))
      return nothing_to_do(node_of(arrival.arm), "the stable arm of", live.release);
    if (arms.canary && same_version(*arms.canary, arrival) && arms.canary_share == share)
      return nothing_to_do(node_of(arrival.arm), fmt::format("the canary, with the share {}, of", share), live.release);
    plan.step = "canary";
    add(plan.approvals, approvals_of(arrival));
    // A rollout that is under way keeps its policy.
    if (!arms.rollout || !arms.canary || !same_version(*arms.canary, arrival)) arms.rollout = spec.rollout;
    arms.canary = arrival.arm;
    arms.canary_share = share;
    drop_shadow(arms, arrival);
    return plan;
  };
  return move_traffic(caller, {.deployment = spec.name, .move = move, .what = "a canary", .decide = decide});
}

Result<Release> Registry::promote(const Caller& caller, const Project& project, const DeploymentSpec& spec,
                                  const Move& move) {
  if (spec.alias.empty()) MILLRACE_DO(may_move_traffic(caller, spec.name));  // no request could grant it
  MILLRACE_DO(check_why(move.why, "a promotion"));
  MILLRACE_TRY(const auto model, find_model(project, spec));
  MILLRACE_TRY(const auto version, read_one<int64_t>(parts_.database, [&](store::Session& session) -> Result<int64_t> {
                 MILLRACE_TRY(const auto live, newest_release(session, caller.workspace, spec.name));
                 return promoted(live, spec, move);
               }));
  Move stable = move;
  stable.version = version;
  MILLRACE_TRY(const auto granted, ask_release(caller, project, spec, stable));
  const auto mover = with_grant(caller, granted);
  MILLRACE_DO(may_move_traffic(mover, spec.name));
  MILLRACE_TRY(const auto arrival, read_arrival(parts_, caller.workspace, model, version, Duty::answers));
  const auto decide = [&](store::Session& session, const std::optional<StoredRelease>& live) -> Result<TrafficPlan> {
    MILLRACE_TRY(const auto now, promoted(live, spec, move));
    if (now != version)
      return Error{Code::conflict, fmt::format("{} is the canary of '{}' now", model_node(spec.model, now), spec.name)}
          .hint("look at it and ask again");
    MILLRACE_DO(check_arrival(session, caller.workspace, arrival));
    return stable_alone(spec, arrival, "promote");
  };
  return move_traffic(mover, {.deployment = spec.name,
                              .move = move,
                              .what = "a promotion",
                              .decide = decide,
                              .project = &project,
                              .request = granted});
}

}  // namespace millrace::registry
