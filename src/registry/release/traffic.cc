#include "registry/release/traffic.h"

#include <fmt/format.h>

#include "core/fault.h"
#include "registry/release/serving_files.h"
#include "registry/requests/rows.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

constexpr size_t kReportBytes = 256 << 20;

// The threshold that the gates were evaluated at.
Result<std::optional<double>> evaluated_threshold(const Parts& parts, const StoredVersion& stored) {
  MILLRACE_TRY(const auto text, parts.blobs.get(stored.version.digests.report, kReportBytes));
  MILLRACE_TRY(const auto report, parse_json(text, "the gates' report"));
  const auto* scored = find(report, "scored");
  const auto* threshold = scored == nullptr ? nullptr : find(*scored, "threshold");
  return threshold != nullptr && threshold->is_number() ? std::optional(threshold->get<double>()) : std::nullopt;
}

Result<void> may_arrive(const ModelSpec& model, const StoredVersion& stored, Duty duty) {
  return duty == Duty::answers ? may_release(model, stored) : may_shadow(model, stored);
}

// Folders of serving/ are named by the deployment alone.
Result<void> check_owner(store::Session& session, const std::string& workspace, const std::string& deployment) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT workspace FROM releases WHERE deployment = ? AND workspace <> ? LIMIT 1",
                             {deployment, workspace}));
  if (row)
    return Error{Code::conflict, fmt::format("another workspace serves a deployment named '{}'", deployment)}.hint(
        "give this one another name");
  return {};
}

Error came_late(const Release& winner) {
  return Error{Code::conflict, fmt::format("{} was first: {} of {} by {} at {} ({})", winner.node(), winner.step,
                                           model_node(winner.model, winner.version), winner.subject,
                                           to_iso(winner.created_at), winner.reason)}
      .hint("look at it with: millrace release list " + winner.deployment);
}

// Whoever asks must have seen what is live.
Result<void> check_expected(const TrafficOrder& order, const std::optional<StoredRelease>& live) {
  if (order.move.live == 0 || (live && live->release.number == order.move.live)) return {};
  if (live) return came_late(live->release);
  return Error{Code::conflict, fmt::format("the deployment '{}' has no release", order.deployment)}.at_field("live");
}

lineage::Change line_of(const Release& release, const TrafficPlan& plan, const std::string& before) {
  lineage::Change change{.kind = "release.created",
                         .node = release.node(),
                         .before = before,
                         .after = release.model_digest,
                         .why = release.reason,
                         .body = release.to_json(),
                         .event_time = release.event_time};
  change.nodes.push_back({.id = release.node(),
                          .digest = release.model_digest,
                          .attributes = {{"deployment", release.deployment},
                                         {"model", model_node(release.model, release.version)},
                                         {"step", release.step}}});
  const auto stands_on = [&](const std::string& source, const char* kind) {
    change.edges.push_back({.source = source, .target = release.node(), .kind = kind});
  };
  stands_on(release.stable().node(), "released_as");
  if (release.canary) stands_on(release.canary->node(), "canary_as");
  for (const auto& shadow : release.shadows) stands_on(shadow.node(), "shadow_as");
  for (const auto& approval : plan.approvals) stands_on(approval, "approved_by");
  if (!plan.evidence_blob.empty()) {
    const auto report = fmt::format("report:rollout.{}@{}", release.deployment, release.number);
    change.nodes.push_back({.id = report, .digest = plan.evidence_blob, .attributes = {{"kind", "rollout"}}});
    stands_on(report, "decided_by");
    const auto judged = string_or(plan.evidence, "canary", "");
    if (!judged.empty()) change.edges.push_back({.source = judged, .target = report, .kind = "judged_in"});
  }
  return change;
}

struct Written {
  Release release;
  TrafficPlan plan;
};

Result<lineage::Change> insert_release(store::Session& session, const Caller& caller, Context& context,
                                       const std::optional<StoredRelease>& live, Written& it) {
  auto& snapshot = it.plan.snapshot;
  snapshot.deployment = it.release.deployment;
  snapshot.release = live ? live->release.number + 1 : 1;
  snapshot.workspace = caller.workspace;
  snapshot.created_at = context.now();
  snapshot.reason = it.release.reason;
  snapshot.subject = caller.subject;
  // Units keep their arm from release to release: the salt is a deployment's, not a release's.
  snapshot.salt = make_hex(context.random, 16);
  if (live) {
    MILLRACE_TRY(const auto before, parse_snapshot(live->snapshot, live->release.node()));
    snapshot.salt = before.salt;
  }
  const Micros event_time = it.release.event_time;
  it.release = release_of(snapshot);
  it.release.step = it.plan.step;
  it.release.restores = it.plan.restores;
  it.release.event_time = event_time != 0 ? event_time : snapshot.created_at;
  it.release.evidence = it.plan.evidence;
  const auto& release = it.release;
  MILLRACE_TRY(const auto contract, contract_blob(snapshot.stable.contract));
  MILLRACE_TRY(
      const auto rows,
      session.execute(
          "INSERT INTO releases (workspace, deployment, number, model, version, model_digest, "
          "contract_blob, snapshot, restores, reason, subject, created_at, step, event_time, evidence) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          {caller.workspace, release.deployment, release.number, release.model, release.version, release.model_digest,
           contract, to_text(to_json(snapshot)), release.restores, release.reason, caller.subject, release.created_at,
           release.step, release.event_time, release.evidence.is_null() ? "" : to_text(release.evidence)}));
  (void)rows;
  return line_of(release, it.plan, live ? live->release.model_digest : "");
}

}  // namespace

std::string node_of(const ReleasedModel& arm) { return model_node(arm.model, arm.version); }

bool same_version(const ReleasedModel& one, const ReleasedModel& other) {
  return one.model == other.model && one.version == other.version;
}
bool same_version(const ReleasedModel& arm, const Arrival& arrival) { return same_version(arm, arrival.arm); }

Result<ModelSpec> find_model(const Project& project, const DeploymentSpec& spec) {
  MILLRACE_TRY(const auto models, read_models(project));
  for (const auto& model : models)
    if (model.name == spec.model) return model;
  return Error{Code::invalid, fmt::format("there is no model '{}'", spec.model)}.at(spec.where);
}

Result<Arrival> read_arrival(const Parts& parts, const std::string& workspace, const ModelSpec& model, int64_t version,
                             Duty duty) {
  Arrival out{.model = model, .duty = duty};
  MILLRACE_TRY(out.seen, read_one<StoredVersion>(parts.database, [&](store::Session& session) {
                 return get_present(session, workspace, model.name, version);
               }));
  MILLRACE_DO(may_arrive(model, out.seen, duty));
  const auto& digests = out.seen.version.digests;
  out.arm = {.model = model.name,
             .version = version,
             .digest = digests.model,
             .file = model_file(digests.model),
             .contract = contract_file(digests.contract)};
  MILLRACE_TRY(out.arm.threshold, evaluated_threshold(parts, out.seen));
  return out;
}

Result<void> check_arrival(store::Session& session, const std::string& workspace, const Arrival& arrival) {
  const auto& seen = arrival.seen.version;
  MILLRACE_TRY(const auto stored, get_present(session, workspace, seen.model, seen.version));
  MILLRACE_DO(may_arrive(arrival.model, stored, arrival.duty));
  if (stored.version.digests.to_json() == seen.digests.to_json()) return {};
  return Error{Code::conflict, fmt::format("the gates of {} were evaluated again meanwhile", seen.node())}.hint(
      "look at it and ask again");
}

std::vector<std::string> approvals_of(const Arrival& arrival) {
  std::vector<std::string> out;
  if (arrival.duty == Duty::answers)
    for (const auto& approval : arrival.seen.version.approvals)
      if (approval.value("holds", false)) out.push_back(string_or(approval, "node", ""));
  return out;
}

Result<std::vector<std::string>> approvals_of(store::Session& session, const std::string& workspace,
                                              const Release& release, const ReleasedModel& arm) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT DISTINCT e.source FROM edges e JOIN approvals a ON a.workspace = e.workspace AND "
                             "a.node = e.source WHERE e.workspace = ? AND e.target = ? AND e.kind = 'approved_by' AND "
                             "a.model = ? AND a.version = ? ORDER BY e.source",
                             {workspace, release.node(), arm.model, arm.version}));
  std::vector<std::string> out;
  for (const auto& row : rows) out.push_back(row.text(0));
  return out;
}

Result<StoredRelease> get_live(const std::optional<StoredRelease>& live, const std::string& deployment) {
  if (live) return *live;
  return Error{Code::not_found, fmt::format("the deployment '{}' has no release", deployment)}.hint(
      "millrace release create " + deployment);
}

Result<int64_t> origin_of(store::Session& session, const std::string& workspace, const Release& release) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT number, restores FROM releases WHERE workspace = ? AND deployment = ? AND "
                             "number <= ? AND (restores <> 0 OR step IN ('release', 'promote')) "
                             "ORDER BY number DESC LIMIT 1",
                             {workspace, release.deployment, release.number}));
  if (!row)
    return Error{Code::corrupt, fmt::format("no record says what put the stable arm of {} on", release.node())}.hint(
        "restore the state folder from a backup; millrace audit verify says where it changed");
  return row->integer(1) != 0 ? row->integer(1) : row->integer(0);
}

Result<Release> Registry::move_traffic(const Caller& caller, const TrafficOrder& order) {
  MILLRACE_DO(may_move_traffic(caller, order.deployment));
  MILLRACE_DO(check_why(order.move.why, order.what));
  struct Seen {
    int64_t live = 0;
    TrafficPlan plan;
  };
  auto seen = read_one<Seen>(parts_.database, [&](store::Session& session) -> Result<Seen> {
    MILLRACE_DO(check_owner(session, caller.workspace, order.deployment));
    MILLRACE_TRY(const auto live, newest_release(session, caller.workspace, order.deployment));
    MILLRACE_DO(check_expected(order, live));
    MILLRACE_TRY(auto plan, order.decide(session, live));
    plan.snapshot.deployment = order.deployment;
    plan.snapshot.workspace = caller.workspace;
    return Seen{live ? live->release.number : 0, std::move(plan)};
  });
  Written written;
  std::string evidence_blob;
  const auto write = [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_owner(session, caller.workspace, order.deployment));
    MILLRACE_TRY(const auto live, newest_release(session, caller.workspace, order.deployment));
    if (live && live->release.number != seen->live) return came_late(live->release);
    MILLRACE_TRY(written.plan, order.decide(session, live));
    written.plan.evidence = order.move.evidence;
    written.plan.evidence_blob = evidence_blob;
    MILLRACE_DO(settle(session, caller, order.project, order.request, parts_.context.now()));
    MILLRACE_TRY(auto change, insert_release(session, caller, parts_.context, live, written));
    if (!order.request.empty()) change.body["request"] = order.request;
    return change;
  };
  const auto record = [&]() -> Result<void> {
    MILLRACE_DO(seen);
    // Bytes first: a record never names a file that is not there.
    MILLRACE_DO(install_files(parts_, order.deployment, seen->plan.snapshot));
    if (!order.move.evidence.is_null()) {
      MILLRACE_TRY(evidence_blob, parts_.blobs.put(to_pretty(order.move.evidence)));
    }
    if (check_release) {
      auto possible = check_release(seen->plan.snapshot);
      if (!possible) return std::move(possible).error().while_doing("trying whether the release can be served");
    }
    written.release = {.deployment = order.deployment, .reason = order.move.why};
    if (event_now) written.release.event_time = event_now(caller.workspace, order.deployment);
    FAULT_POINT("registry.release.before_record");
    MILLRACE_TRY(const auto line, parts_.journal.write(caller, write));
    (void)line;
    return {};
  };
  if (auto recorded = record(); !recorded) {
    // It may be live by a record whose files could not be written (a full disk): asking again then mends that.
    if (recorded.error().code() == Code::conflict) MILLRACE_DO(mend(caller.workspace, order.deployment));
    return std::move(recorded).error();
  }
  FAULT_POINT("registry.release.after_record");
  if (auto put = put_newest_snapshot(parts_, caller.workspace, order.deployment); !put)
    return std::move(put).error().while_doing(
        fmt::format("the release of '{}' is recorded; putting its files in place", order.deployment));
  FAULT_POINT("registry.release.after_snapshot");
  if (on_release) {
    auto taken = on_release(order.deployment);
    if (!taken)
      return std::move(taken).error().while_doing(
          fmt::format("{} is recorded; taking it into service", written.release.node()));
  }
  return written.release;
}

Result<void> Registry::mend(const std::string& workspace, const std::string& deployment) {
  auto put = put_newest_snapshot(parts_, workspace, deployment);
  if (!put)
    return std::move(put).error().while_doing(
        fmt::format("bringing the files of the deployment '{}' in line with its records", deployment));
  return *put && on_release ? on_release(deployment) : Result<void>();
}

Result<Registry::Candidate> Registry::candidate(const std::string& workspace, const std::string& model,
                                                int64_t version) const {
  MILLRACE_TRY(const auto seen, read_one<StoredVersion>(parts_.database, [&](store::Session& session) {
                 return get_present(session, workspace, model, version);
               }));
  const auto& digests = seen.version.digests;
  Candidate out{.digest = digests.model};
  MILLRACE_TRY(out.file, parts_.blobs.path_of(digests.model));
  MILLRACE_TRY(out.contract, parts_.blobs.path_of(digests.contract));
  if (!digests.report.empty()) {
    MILLRACE_TRY(out.threshold, evaluated_threshold(parts_, seen));
  }
  return out;
}

Result<size_t> Registry::follow(Seen& seen) {
  Seen now;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto rows,
        session.query("SELECT workspace, deployment, MAX(number) FROM releases GROUP BY workspace, deployment"));
    for (const auto& row : rows) now[{row.text(0), row.text(1)}] = row.integer(2);
    return {};
  }));
  size_t taken = 0;
  std::optional<Error> first;
  for (const auto& [place, number] : now) {
    if (const auto known = seen.find(place); known != seen.end() && known->second == number) continue;
    if (auto mended = mend(place.first, place.second); mended)
      seen[place] = number, ++taken;
    else if (!first)
      first = std::move(mended).error();
  }
  if (first) return *first;
  return taken;
}

Result<void> Registry::reconcile() {
  std::vector<std::pair<std::string, std::string>> known;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT DISTINCT workspace, deployment FROM releases ORDER BY deployment"));
    for (const auto& row : rows) known.emplace_back(row.text(0), row.text(1));
    return {};
  }));
  std::optional<Error> first;
  for (const auto& [workspace, deployment] : known) {
    auto mended = mend(workspace, deployment);
    if (!mended && !first) first = std::move(mended).error();
  }
  if (first) return *first;
  return {};
}

}  // namespace millrace::registry
