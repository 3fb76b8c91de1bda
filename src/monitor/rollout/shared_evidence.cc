#include "monitor/rollout/shared_evidence.h"

#include "core/files.h"

namespace millrace::monitor {
namespace {

constexpr Micros kEvery = 1'000'000;
constexpr size_t kIdBytes = 100;
constexpr int64_t kMostServers = 100;

}  // namespace

Result<SharedEvidence> SharedEvidence::open(const std::string& id_file, store::Database& database,
                                            const registry::Registry& registry, Context& context) {
  if (!exists(id_file)) MILLRACE_DO(write_file(id_file, context.uuid()));
  MILLRACE_TRY(auto server, read_file(id_file, kIdBytes));
  return SharedEvidence(std::move(server), database, registry, context);
}

// The oldest of the releases in a row, up to this one, that have this canary beside this stable arm.
Result<int64_t> SharedEvidence::origin_of(const serve::RolloutSubject& subject, int64_t release) const {
  MILLRACE_TRY(const auto releases, registry_->releases(subject.workspace, subject.deployment));
  int64_t origin = release;
  for (const auto& each : releases) {
    if (each.number > release) continue;
    const bool same = each.canary && each.canary->model == subject.canary.model &&
                      each.canary->version == subject.canary.version && each.model == subject.stable.model &&
                      each.version == subject.stable.version;
    if (!same) break;
    origin = each.number;
  }
  return origin;
}

// What is left of rollouts before this one is of no use to anybody.
Result<void> SharedEvidence::put(const serve::RolloutSubject& subject, int64_t origin, const std::string& evidence) {
  return database_->write([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto gone,
        session.execute("DELETE FROM rollout_evidence WHERE workspace = ? AND deployment = ? AND (origin < ? OR "
                        "(origin = ? AND server = ?))",
                        {subject.workspace, subject.deployment, origin, origin, server_}));
    MILLRACE_TRY(const auto added,
                 session.execute("INSERT INTO rollout_evidence (workspace, deployment, origin, server, evidence, "
                                 "recorded_at) VALUES (?, ?, ?, ?, ?, ?)",
                                 {subject.workspace, subject.deployment, origin, server_, evidence, context_->now()}));
    (void)gone;
    (void)added;
    return {};
  });
}

Result<bool> SharedEvidence::exchange(serve::Judge& judge) {
  const auto& subject = judge.subject();
  auto& seen = seen_[subject.deployment];
  const Micros now = context_->clock.steady();
  if (now < seen.next) return false;
  seen.next = now + kEvery;
  const int64_t release = judge.state().release;
  if (seen.release != release) {
    MILLRACE_TRY(const int64_t origin, origin_of(subject, release));
    if (origin != seen.origin) seen.changes = 0;
    seen.release = release;
    seen.origin = origin;
  }
  if (const uint64_t changes = judge.changes(); changes != seen.changes) {
    MILLRACE_DO(put(subject, seen.origin, to_text(judge.save())));
    seen.changes = changes;
  }
  std::vector<Json> others;
  MILLRACE_DO(database_->read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto rows,
        session.query("SELECT evidence FROM rollout_evidence WHERE workspace = ? AND deployment = ? AND origin = "
                      "? AND server <> ? ORDER BY server LIMIT ?",
                      {subject.workspace, subject.deployment, seen.origin, server_, kMostServers}));
    for (const auto& row : rows) {
      MILLRACE_TRY(auto evidence, parse_json(row.text(0), "another server's evidence"));
      others.push_back(std::move(evidence));
    }
    return {};
  }));
  return judge.count_with(others, context_->now());
}

}  // namespace millrace::monitor
