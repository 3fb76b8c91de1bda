#include <fmt/format.h>

#include "core/hash.h"
#include "registry/requests/approvals.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

std::string approval_node(const ModelVersion& version, const std::string& covered, const std::string& subject) {
  return fmt::format("approval:{}.{}@{}", version.model, version.version,
                     digest_of(covered + "\n" + subject).substr(7, 12));
}

lineage::Change approved(const ModelVersion& version, const Caller& caller, const std::string& covered,
                         const std::string& why) {
  const auto node = approval_node(version, covered, caller.subject);
  lineage::Change change{
      .kind = "model.approved",
      .node = version.node(),
      .after = covered,
      .why = why,
      .body = {{"approval", node}, {"covers", version.digests.to_json()}, {"subject", caller.subject}}};
  change.nodes.push_back(
      {.id = node, .digest = covered, .attributes = {{"subject", caller.subject}, {"model", version.node()}}});
  change.edges.push_back({.source = version.node(), .target = node, .kind = "approved_by"});
  change.edges.push_back(
      {.source = fmt::format("report:{}.{}@{}", version.model, version.version, version.digests.report.substr(7, 12)),
       .target = node,
       .kind = "checked_by"});
  return change;
}

}  // namespace

Result<lineage::Change> record_approval(store::Session& session, const Caller& caller, const StoredVersion& stored,
                                        const std::string& why, Micros now) {
  const auto& version = stored.version;
  const auto covered = covered_by(version.digests);
  MILLRACE_TRY(
      const auto rows,
      session.execute("INSERT INTO approvals (workspace, model, version, covered, subject, node, digests, "
                      "why, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      {caller.workspace, version.model, version.version, covered, caller.subject,
                       approval_node(version, covered, caller.subject), to_text(version.digests.to_json()), why, now}));
  (void)rows;
  return approved(version, caller, covered, why);
}

Result<ModelVersion> Registry::approve(const Caller& caller, const ModelSpec& spec, int64_t version,
                                       const std::string& why) {
  MILLRACE_DO(check_why(why, "an approval"));
  // Rules and row stand in one transaction: two people, or one twice, cannot pass the same gap.
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto stored, get_present(session, caller.workspace, spec.name, version));
    MILLRACE_DO(may_approve(caller, spec, stored));
    return record_approval(session, caller, stored, why, parts_.context.now());
  }));
  (void)line;
  return get(caller.workspace, spec.name, version);
}

}  // namespace millrace::registry
