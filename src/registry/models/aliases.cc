// Aliases of model versions. One that a deployment binds is that deployment's stable arm: it is read from the live
// release and set by releasing. The others are labels.
#include <algorithm>

#include <fmt/format.h>

#include "core/fault.h"
#include "registry/models/rows.h"
#include "registry/release/traffic.h"
#include "registry/requests/binding.h"
#include "registry/requests/moves.h"
#include "registry/requests/rows.h"
#include "registry/rules.h"
#include "registry/signing/signatures.h"

namespace millrace::registry {
namespace {

Result<void> may_label(const Caller& caller, const std::string& model) {
  if (caller.has_role("writer") || caller.has_role("approver") || caller.is_local()) return {};
  return Error{Code::denied,
               fmt::format("{} may not set aliases of '{}': that takes the role 'writer'", caller.subject, model)}
      .hint("ask for a token with that role: millrace token create --subject NAME --role writer");
}

lineage::Change alias_line(const Alias& alias, int64_t before, const MoveNote& note) {
  const auto node = [&](int64_t version) { return version == 0 ? std::string() : model_node(alias.model, version); };
  return {.kind = alias.version == 0 ? "model.alias.deleted" : "model.alias.set",
          .node = node(alias.version == 0 ? before : alias.version),
          .before = node(before),
          .after = node(alias.version),
          .why = note.why,
          .body = {{"model", alias.model}, {"alias", alias.name}, {"request", note.request}}};
}

std::string why_of(const std::string& why, const std::string& alias) {
  return why.empty() ? fmt::format("alias '{}' set through MLflow", alias) : why;
}

Error is_bound(const std::string& alias, const std::string& deployment) {
  return Error{Code::conflict, fmt::format("the alias '{}' is the stable arm of the deployment '{}', which cannot be "
                                           "without one",
                                           alias, deployment)}
      .hint(fmt::format("set it to another version, go back with 'millrace release rollback {}', or take 'alias' out "
                        "of deployments.{}",
                        deployment, deployment));
}

}  // namespace

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

Result<void> Registry::set_alias(const Caller& caller, const Project* project, const Alias& wanted,
                                 const std::string& why) {
  MILLRACE_DO(check_alias(wanted.name));
  if (!why.empty()) MILLRACE_DO(check_why(why, "an alias"));
  MILLRACE_TRY(const auto version, get(caller.workspace, wanted.model, wanted.version));
  MILLRACE_TRY(const auto spec, binder_of(project, wanted.model, wanted.name));
  if (spec) {
    MILLRACE_TRY(const auto live, current(caller.workspace, spec->name));
    const bool there = live && live->stable().node() == version.node();
    MILLRACE_TRY(const auto protection, protection_of(project, wanted.model));
    if (there || !protection.covers(wanted.name)) MILLRACE_DO(may_move_traffic(caller, spec->name));
    if (there) return {};
    MILLRACE_TRY(const auto done, release(caller, *project, *spec, wanted.version, why_of(why, wanted.name)));
    (void)done;
    return {};
  }
  MILLRACE_DO(may_label(caller, wanted.model));
  MILLRACE_TRY(const auto standing, read_one<int64_t>(parts_.database, [&](store::Session& session) {
                 return label_now(session, caller.workspace, wanted.model, wanted.name);
               }));
  if (standing == wanted.version) return {};
  MILLRACE_DO(parts_.database.read([&](store::Session& session) {
    return check_signed(session, parts_.blobs, project, caller.workspace, wanted.model, wanted.version);
  }));
  MILLRACE_TRY(const auto granted,
               ask(caller, project, {wanted.model, "alias", wanted.name, wanted.version, false, why}));
  FAULT_POINT("registry.alias.before_record");
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto there, get_present(session, caller.workspace, wanted.model, wanted.version));
    MILLRACE_TRY(const auto before, label_now(session, caller.workspace, wanted.model, wanted.name));
    if (before == wanted.version) return lineage::Change{};
    const MoveNote note{.why = why, .request = granted, .restores = 0, .at = parts_.context.now()};
    MILLRACE_DO(settle(session, caller, project, granted, note.at));
    MILLRACE_DO(put_label(session, caller, wanted, note));
    return alias_line(wanted, before, note);
  }));
  (void)line;
  FAULT_POINT("registry.alias.after_record");
  return {};
}

Result<void> Registry::delete_alias(const Caller& caller, const Project* project, const std::string& model,
                                    const std::string& name, const std::string& why) {
  MILLRACE_TRY(const auto spec, binder_of(project, model, name));
  if (spec) return is_bound(name, spec->name);
  MILLRACE_DO(may_label(caller, model));
  MILLRACE_TRY(const auto standing, read_one<int64_t>(parts_.database, [&](store::Session& session) {
                 return label_now(session, caller.workspace, model, name);
               }));
  if (standing == 0) return {};
  MILLRACE_TRY(const auto granted, ask(caller, project, {model, "alias", name, 0, false, why}));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto before, label_now(session, caller.workspace, model, name));
    if (before == 0) return lineage::Change{};
    const Alias gone{.model = model, .name = name, .version = 0, .deployment = {}};
    const MoveNote note{.why = why, .request = granted, .restores = 0, .at = parts_.context.now()};
    MILLRACE_DO(settle(session, caller, project, granted, note.at));
    MILLRACE_DO(put_label(session, caller, gone, note));
    return alias_line(gone, before, note);
  }));
  (void)line;
  return {};
}

Result<Alias> Registry::rollback_alias(const Caller& caller, const Project* project, const std::string& model,
                                       const std::string& name, const std::string& why) {
  MILLRACE_DO(check_why(why, "a rollback"));
  MILLRACE_TRY(const auto spec, binder_of(project, model, name));
  if (spec) {
    MILLRACE_TRY(const auto back, rollback(caller, spec->name, why));
    return Alias{.model = model, .name = name, .version = back.version, .deployment = spec->name};
  }
  MILLRACE_DO(may_label(caller, model));
  MILLRACE_TRY(const auto protection, protection_of(project, model));
  if (protection.covers(name) && !caller.has_role(protection.role) && !caller.is_local())
    return Error{Code::denied, fmt::format("{} may not take '{}' of the model '{}' back: that takes the role '{}'",
                                           caller.subject, name, model, protection.role)}
        .hint("ask for a token with that role: millrace token create --subject NAME --role " + protection.role);
  Alias to{.model = model, .name = name, .version = 0, .deployment = {}};
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto before, label_now(session, caller.workspace, model, name));
    MILLRACE_TRY(const auto origin, former_move(session, caller.workspace, to));
    to.version = origin.version;
    MILLRACE_DO(check_signed(session, parts_.blobs, project, caller.workspace, model, to.version));
    const MoveNote note{.why = why, .request = {}, .restores = origin.number, .at = parts_.context.now()};
    MILLRACE_DO(put_label(session, caller, to, note));
    return alias_line(to, before, note);
  }));
  (void)line;
  return to;
}

}  // namespace millrace::registry
