#include <fmt/format.h>

#include "core/fault.h"
#include "core/limits.h"
#include "registry/facts.h"
#include "registry/records.h"
#include "registry/rules.h"
#include "registry/serving_files.h"

namespace millrace::registry {
namespace {

constexpr size_t kReportBytes = 256 << 20;

struct Wanted {
  StoredRelease release;  // its number is set inside the transaction
  ReleaseSnapshot snapshot;
  std::vector<std::string> approvals;  // nodes
};

Result<ModelSpec> find_model(const Project& project, const DeploymentSpec& spec) {
  MILLRACE_TRY(const auto models, read_models(project));
  for (const auto& model : models)
    if (model.name == spec.model) return model;
  return Error{Code::invalid, fmt::format("there is no model '{}'", spec.model)}.at(spec.where);
}

// The threshold that the gates were evaluated at.
Result<std::optional<double>> evaluated_threshold(const Parts& parts, const StoredVersion& stored) {
  MILLRACE_TRY(const auto text, parts.blobs.get(stored.version.digests.report, kReportBytes));
  MILLRACE_TRY(const auto report, parse_json(text, "the gates' report"));
  const auto* scored = find(report, "scored");
  const auto* threshold = scored == nullptr ? nullptr : find(*scored, "threshold");
  return threshold != nullptr && threshold->is_number() ? std::optional(threshold->get<double>()) : std::nullopt;
}

Result<Wanted> wanted_release(const Parts& parts, const DeploymentSpec& spec, const StoredVersion& stored) {
  const auto& version = stored.version;
  Wanted out;
  out.release.contract_blob = version.digests.contract;
  out.release.release = {.deployment = spec.name,
                         .model = version.model,
                         .version = version.version,
                         .model_digest = version.digests.model};
  out.snapshot = {.deployment = spec.name, .unit = spec.unit, .guard = spec.guard};
  out.snapshot.stable = {.model = version.model,
                         .version = version.version,
                         .digest = version.digests.model,
                         .file = model_file(version.digests.model),
                         .contract = contract_file(version.digests.contract)};
  MILLRACE_TRY(out.snapshot.stable.threshold, evaluated_threshold(parts, stored));
  for (const auto& approval : version.approvals)
    if (approval.value("holds", false)) out.approvals.push_back(string_or(approval, "node", ""));
  return out;
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

lineage::Change released(const Wanted& wanted, const std::string& before, const std::string& why) {
  const auto& release = wanted.release.release;
  lineage::Change change{.kind = "release.created",
                         .node = release.node(),
                         .before = before,
                         .after = release.model_digest,
                         .why = why,
                         .body = release.to_json()};
  change.nodes.push_back(
      {.id = release.node(),
       .digest = release.model_digest,
       .attributes = {{"deployment", release.deployment}, {"model", model_node(release.model, release.version)}}});
  change.edges.push_back(
      {.source = model_node(release.model, release.version), .target = release.node(), .kind = "released_as"});
  for (const auto& approval : wanted.approvals)
    change.edges.push_back({.source = approval, .target = release.node(), .kind = "approved_by"});
  return change;
}

Result<lineage::Change> insert_release(store::Session& session, const Caller& caller, Context& context,
                                       const std::string& why, const std::optional<StoredRelease>& live,
                                       Wanted& wanted) {
  auto& release = wanted.release.release;
  release.number = live ? live->release.number + 1 : 1;
  release.reason = why;
  release.subject = caller.subject;
  release.created_at = context.now();
  auto& snapshot = wanted.snapshot;
  snapshot.release = release.number;
  snapshot.workspace = caller.workspace;
  snapshot.created_at = release.created_at;
  snapshot.reason = why;
  snapshot.subject = caller.subject;
  // Units keep their arm from release to release: the salt is a deployment's, not a release's.
  snapshot.salt = make_hex(context.random, 16);
  if (live) {
    MILLRACE_TRY(const auto before, parse_snapshot(live->snapshot, live->release.node()));
    snapshot.salt = before.salt;
  }
  MILLRACE_TRY(const auto rows,
               session.execute("INSERT INTO releases (workspace, deployment, number, model, version, model_digest, "
                               "contract_blob, snapshot, restores, reason, subject, created_at) "
                               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               {caller.workspace, release.deployment, release.number, release.model, release.version,
                                release.model_digest, wanted.release.contract_blob, to_text(to_json(snapshot)),
                                release.restores, why, caller.subject, release.created_at}));
  (void)rows;
  return released(wanted, live ? live->release.model_digest : "", why);
}

// A rollback stands where the release stands that it restored; going back from there goes further back.
int64_t position(const Release& release) { return release.restores != 0 ? release.restores : release.number; }

Result<StoredRelease> former_release(store::Session& session, const std::string& workspace, const StoredRelease& live) {
  const auto& deployment = live.release.deployment;
  const int64_t before = position(live.release) - 1;
  if (before < 1)
    return Error{Code::rejected, fmt::format("{} cannot be rolled back: the deployment '{}' had no release before it",
                                             live.release.node(), deployment)}
        .hint("release another version: millrace release create " + deployment);
  MILLRACE_TRY(auto former, get_release(session, workspace, deployment, before));
  if (former.release.restores == 0) return former;
  return get_release(session, workspace, deployment, former.release.restores);
}

Result<StoredRelease> get_live(store::Session& session, const std::string& workspace, const std::string& deployment) {
  MILLRACE_TRY(auto live, newest_release(session, workspace, deployment));
  if (!live)
    return Error{Code::not_found, fmt::format("the deployment '{}' has no release", deployment)}.hint(
        "millrace release create " + deployment);
  return std::move(*live);
}

Result<std::vector<std::string>> approvals_before(store::Session& session, const std::string& workspace,
                                                  const Release& release) {
  MILLRACE_TRY(
      const auto rows,
      session.query(
          "SELECT source FROM edges WHERE workspace = ? AND target = ? AND kind = 'approved_by' ORDER BY source",
          {workspace, release.node()}));
  std::vector<std::string> out;
  for (const auto& row : rows) out.push_back(row.text(0));
  return out;
}

Result<void> mend(const Parts& parts, const std::string& workspace, const std::string& deployment,
                  const std::function<void(const std::string&)>& on_release) {
  auto put = put_newest_snapshot(parts, workspace, deployment);
  if (!put)
    return std::move(put).error().while_doing(
        fmt::format("bringing the files of the deployment '{}' in line with its records", deployment));
  if (*put && on_release) on_release(deployment);
  return {};
}

// What follows a record: the snapshot of the newest one, then the data plane's turn.
Result<void> make_live(const Parts& parts, const std::string& workspace, const std::string& deployment,
                       const std::function<void(const std::string&)>& on_release) {
  FAULT_POINT("registry.release.after_record");
  auto put = put_newest_snapshot(parts, workspace, deployment);
  if (!put)
    return std::move(put).error().while_doing(
        fmt::format("the release of '{}' is recorded; putting its files in place", deployment));
  if (on_release) on_release(deployment);
  return {};
}

}  // namespace

Result<Release> Registry::release(const Caller& caller, const Project& project, const DeploymentSpec& spec,
                                  int64_t version, const std::string& why) {
  MILLRACE_DO(may_move_traffic(caller, spec.name));
  MILLRACE_DO(check_why(why, "a release"));
  MILLRACE_TRY(const auto model, find_model(project, spec));
  const auto load = [&](store::Session& session) { return get_stored(session, caller.workspace, spec.model, version); };
  MILLRACE_TRY(const auto seen, read_one<StoredVersion>(parts_.database, load));
  MILLRACE_DO(may_release(model, seen));
  MILLRACE_TRY(auto wanted, wanted_release(parts_, spec, seen));
  // Bytes first: a record never names a file that is not there.
  MILLRACE_DO(install_files(parts_, spec.name, seen.version.digests.model, seen.version.digests.contract));
  const auto line = parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto stored, load(session));
    MILLRACE_DO(may_release(model, stored));
    if (stored.version.digests.to_json() != seen.version.digests.to_json())
      return Error{Code::conflict, fmt::format("the gates of {} were evaluated again meanwhile", stored.version.node())}
          .hint("look at it and release again");
    MILLRACE_DO(check_owner(session, caller.workspace, spec.name));
    MILLRACE_TRY(const auto live, newest_release(session, caller.workspace, spec.name));
    if (live && live->release.model == spec.model && live->release.version == version)
      return Error{Code::conflict, fmt::format("{} is live on '{}' already, by {}", stored.version.node(), spec.name,
                                               live->release.node())}
          .hint("there is nothing to do");
    return insert_release(session, caller, parts_.context, why, live, wanted);
  });
  if (!line) {
    // It may be live by a record whose files could not be written (a full disk): asking again then mends that.
    if (line.error().code() == Code::conflict) MILLRACE_DO(mend(parts_, caller.workspace, spec.name, on_release));
    return line.error();
  }
  MILLRACE_DO(make_live(parts_, caller.workspace, spec.name, on_release));
  return wanted.release.release;
}

Result<Release> Registry::rollback(const Caller& caller, const std::string& deployment, const std::string& why) {
  MILLRACE_DO(may_move_traffic(caller, deployment));
  MILLRACE_DO(check_why(why, "a rollback"));
  const auto find_former = [&](store::Session& session) -> Result<StoredRelease> {
    MILLRACE_TRY(const auto live, get_live(session, caller.workspace, deployment));
    return former_release(session, caller.workspace, live);
  };
  MILLRACE_TRY(const auto former, read_one<StoredRelease>(parts_.database, find_former));
  MILLRACE_DO(install_files(parts_, deployment, former.release.model_digest, former.contract_blob));
  Wanted wanted;
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto live, get_live(session, caller.workspace, deployment));
    MILLRACE_TRY(const auto again, former_release(session, caller.workspace, live));
    if (again.release.number != former.release.number)
      return Error{Code::conflict, fmt::format("the deployment '{}' was released meanwhile", deployment)}.hint(
          "look at it and roll back again");
    wanted.release = again;
    wanted.release.release.restores = again.release.number;
    MILLRACE_TRY(wanted.snapshot, parse_snapshot(again.snapshot, again.release.node()));
    MILLRACE_TRY(wanted.approvals, approvals_before(session, caller.workspace, again.release));
    return insert_release(session, caller, parts_.context, why, live, wanted);
  }));
  (void)line;
  MILLRACE_DO(make_live(parts_, caller.workspace, deployment, on_release));
  return wanted.release.release;
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
    auto mended = mend(parts_, workspace, deployment, on_release);
    if (!mended && !first) first = std::move(mended).error();
  }
  if (first) return *first;
  return {};
}

}  // namespace millrace::registry
