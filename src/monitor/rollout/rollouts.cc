#include "monitor/rollout/rollouts.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "monitor/rollout/words.h"
#include "registry/rules.h"
#include "serve/judge/judge.h"

namespace millrace::monitor {
namespace {

constexpr auto kEvery = std::chrono::milliseconds(250);
constexpr Micros kSoon = 1'000'000, kLater = 60'000'000;  // until a move that failed is tried again

Caller policy_of(const serve::RolloutSubject& subject, Context& context) {
  return {.workspace = subject.workspace,
          .subject = "policy:" + subject.deployment,
          .roles = {"approver"},
          .via = "job",
          .request_id = context.uuid()};
}

std::optional<double> next_share(const registry::RolloutPolicy& policy, double share) {
  const auto at = std::upper_bound(policy.steps.begin(), policy.steps.end(), share);
  return at == policy.steps.end() ? std::nullopt : std::optional(*at);
}

}  // namespace

Json Hold::to_json() const { return {{"rollback", rollback}, {"why", why}, {"subject", subject}, {"at", to_iso(at)}}; }

Rollouts::Rollouts(Parts parts)
    : parts_(std::move(parts)),
      index_({parts_.database, parts_.journal, parts_.engines, parts_.predictions_folder, parts_.temp_folder}),
      differences_(parts_.database, parts_.blobs, parts_.journal, parts_.context) {
  parts_.data_plane.on_canary_out = [this](const std::string&) { wake(); };
}

void Rollouts::start() {
  thread_ = std::thread([this] { watch(); });
}

void Rollouts::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  if (auto saved = parts_.data_plane.save_judges(); !saved)
    parts_.context.log.error("rollout_not_saved", {{"error", saved.error().text()}});
}

void Rollouts::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

void Rollouts::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kEvery, [&] { return stopping_ || woken_; });
    if (stopping_) return;
    woken_ = false;
    lock.unlock();
    look();
    lock.lock();
  }
}

void Rollouts::look() {
  const std::lock_guard one_at_a_time(one_at_a_time_);
  // First what must not be lost: that a canary is out.
  if (auto saved = parts_.data_plane.save_judges(); !saved)
    parts_.context.log.warn("rollout_not_saved", {{"error", saved.error().text()}});
  for (const auto& served : parts_.data_plane.served())
    if (served->judge) look_at(served);
}

void Rollouts::look_at(const serve::ServedPtr& served) {
  const auto& name = served->place->name;
  auto& judge = *served->judge;
  auto held = read_hold(judge.subject().workspace, name);
  {
    const std::lock_guard lock(mutex_);
    if (held)
      holds_[name] = *held;
    else
      held = holds_[name];  // the store is away: as it was
  }
  judge.hold(*held && (*held)->rollback);
  if (judge.policy().aa) return;  // it is counted, and nothing else
  if (shared_) exchange(judge);
  const auto state = judge.state();
  if (must_wait(name, state.release)) return;
  if (judge.out()) return note(name, state.release, take_back(judge, state.release));
  if (*held || state.harm || state.doubt || state.step_answers < judge.policy().min_rows) return;
  const auto share = next_share(judge.policy(), state.share);
  if (!share && (!state.safe || !judge.policy().automatic)) return;
  note(name, state.release, go_on(judge, state.release, share));
}

// While the store is away each judges by what it has seen and last heard.
void Rollouts::exchange(serve::Judge& judge) {
  const auto done = shared_->exchange(judge);
  const auto& name = judge.subject().deployment;
  if (!done && done.error().code() != Code::unavailable)
    parts_.context.log.warn("rollout_not_shared", {{"deployment", name}, {"error", done.error().text()}});
  if (done && *done) parts_.context.log.warn("canary_out", {{"deployment", name}, {"by", "what all servers saw"}});
}

bool Rollouts::must_wait(const std::string& deployment, int64_t release) const {
  const std::lock_guard lock(mutex_);
  const auto trouble = troubles_.find(deployment);
  return trouble != troubles_.end() && trouble->second.release == release &&
         parts_.context.clock.steady() < trouble->second.again_at;
}

// What the store or a disk refuses is tried again soon; what somebody must change first, later.
void Rollouts::note(const std::string& deployment, int64_t release, const Result<registry::Release>& done) {
  const std::lock_guard lock(mutex_);
  if (done) {
    troubles_.erase(deployment);
    parts_.context.log.info("rollout_moved",
                            {{"deployment", deployment}, {"release", done->node()}, {"step", done->step}});
    return;
  }
  const auto& error = done.error();
  auto& trouble = troubles_[deployment];
  const bool fresh = trouble.release != release || trouble.text != error.text();
  const bool soon = error.code() == Code::unavailable || error.code() == Code::timeout ||
                    error.code() == Code::internal || error.code() == Code::conflict;
  trouble = {
      .release = release, .text = error.text(), .again_at = parts_.context.clock.steady() + (soon ? kSoon : kLater)};
  if (fresh) parts_.context.log.warn("rollout_not_moved", {{"deployment", deployment}, {"error", error.text()}});
}

Result<registry::Release> Rollouts::take_back(const serve::Judge& judge, int64_t release) {
  const auto report = judge.report();
  const registry::Move move{.why = why_back(report), .live = release, .evidence = report};
  return parts_.registry.rollback(policy_of(judge.subject(), parts_.context), judge.subject().deployment, move);
}

Result<registry::Release> Rollouts::go_on(const serve::Judge& judge, int64_t release, std::optional<double> share) {
  const auto& subject = judge.subject();
  MILLRACE_TRY(const auto project, parts_.project());
  MILLRACE_TRY(const auto deployments, registry::read_deployments(project));
  const auto spec = std::find_if(deployments.begin(), deployments.end(),
                                 [&](const auto& each) { return each.name == subject.deployment; });
  if (spec == deployments.end())
    return Error{Code::not_found, fmt::format("the project has no deployment '{}' any more", subject.deployment)};
  const auto report = judge.report();
  const auto caller = policy_of(subject, parts_.context);
  registry::Move move{.why = share ? why_on(report, *share) : why_promoted(report),
                      .version = subject.canary.version,
                      .share = share,
                      .live = release,
                      .evidence = report};
  return share ? parts_.registry.canary(caller, project, *spec, move)
               : parts_.registry.promote(caller, project, *spec, move);
}

Result<std::optional<Hold>> Rollouts::read_hold(const std::string& workspace, const std::string& deployment) const {
  std::optional<Hold> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first("SELECT rollback, why, subject, held_at FROM rollout_holds WHERE "
                                               "workspace = ? AND deployment = ?",
                                               {workspace, deployment}));
    if (row)
      out = Hold{.rollback = row->integer(0) != 0, .why = row->text(1), .subject = row->text(2), .at = row->integer(3)};
    return {};
  }));
  return out;
}

Result<Json> Rollouts::status(const std::string& workspace, const std::string& deployment) const {
  MILLRACE_TRY(const auto releases, parts_.registry.releases(workspace, deployment));
  if (releases.empty())
    return Error{Code::not_found, fmt::format("the deployment '{}' has no release", deployment)}.hint(
        "millrace release create " + deployment);
  MILLRACE_TRY(const auto held, read_hold(workspace, deployment));
  Json out{{"deployment", deployment}, {"state", "none"},    {"next", nullptr}, {"problem", nullptr},
           {"hold", nullptr},          {"rollout", nullptr}, {"live", nullptr}, {"decided", nullptr}};
  out["live"] = releases.front().to_json();
  if (held) out["hold"] = held->to_json();
  const auto decided =
      std::find_if(releases.begin(), releases.end(), [](const auto& release) { return !release.evidence.is_null(); });
  if (decided != releases.end()) out["decided"] = decided->to_json();
  const auto judge = parts_.data_plane.judge(deployment);
  if (!judge || judge->subject().workspace != workspace) return out;
  const auto state = judge->state();
  const auto& policy = judge->policy();
  const auto share = next_share(policy, state.share);
  if (policy.aa) {
    out["state"] = "aa";
    out["rollout"] = judge->report();
    out["next"] = "false alarms are counted until a person stops it";
    return out;
  }
  const bool at_end = !share && state.safe && state.step_answers >= policy.min_rows;
  out["rollout"] = judge->report();
  out["state"] = judge->out()                  ? "out"
                 : held                        ? "held"
                 : state.doubt                 ? "doubt"
                 : at_end && !policy.automatic ? "ready"
                                               : "gathering";
  out["next"] = what_comes(policy, state, share);
  const std::lock_guard lock(mutex_);
  if (const auto trouble = troubles_.find(deployment);
      trouble != troubles_.end() && trouble->second.release == state.release)
    out["problem"] = trouble->second.text;
  return out;
}

Result<Hold> Rollouts::hold(const Caller& caller, const std::string& deployment, const std::string& why,
                            bool rollback) {
  MILLRACE_DO(registry::may_move_traffic(caller, deployment));
  MILLRACE_DO(registry::check_why(why, "a hold"));
  const Hold out{.rollback = rollback, .why = why, .subject = caller.subject, .at = parts_.context.now()};
  const auto written = parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto gone, session.execute("DELETE FROM rollout_holds WHERE workspace = ? AND deployment = ?",
                                                  {caller.workspace, deployment}));
    MILLRACE_TRY(const auto added,
                 session.execute("INSERT INTO rollout_holds (workspace, deployment, rollback, why, subject, held_at) "
                                 "VALUES (?, ?, ?, ?, ?, ?)",
                                 {caller.workspace, deployment, rollback ? 1 : 0, why, caller.subject, out.at}));
    (void)gone;
    (void)added;
    return lineage::Change{
        .kind = "rollout.held", .node = "deployment:" + deployment, .why = why, .body = out.to_json()};
  });
  if (!written) return written.error();
  look();
  return out;
}

Result<void> Rollouts::resume(const Caller& caller, const std::string& deployment, const std::string& why) {
  MILLRACE_DO(registry::may_move_traffic(caller, deployment));
  MILLRACE_DO(registry::check_why(why, "a resumption"));
  const auto written = parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto gone, session.execute("DELETE FROM rollout_holds WHERE workspace = ? AND deployment = ?",
                                                  {caller.workspace, deployment}));
    if (gone == 0)
      return Error{Code::conflict, fmt::format("the rollout of '{}' is not held", deployment)}.hint(
          "there is nothing to do");
    return lineage::Change{.kind = "rollout.resumed", .node = "deployment:" + deployment, .why = why};
  });
  if (!written) return written.error();
  look();
  return {};
}

}  // namespace millrace::monitor
