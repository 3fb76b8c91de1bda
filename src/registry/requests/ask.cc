// Asking for a move of a protected alias or stage, and having it approved, rejected or taken back.
#include <algorithm>

#include <fmt/format.h>

#include "core/fault.h"
#include "registry/models/rows.h"
#include "registry/requests/approvals.h"
#include "registry/requests/binding.h"
#include "registry/requests/rows.h"
#include "registry/rules.h"

namespace millrace::registry {
namespace {

std::string words_of(const ChangeRequest& request) {
  return fmt::format("{} '{}' of the model '{}'", request.kind, request.place, request.model);
}

lineage::Change line_of(const std::string& what, const ChangeRequest& request, const std::string& why) {
  lineage::Change change{
      .kind = "model.request." + what, .node = request.node(), .why = why, .body = request.to_json()};
  if (request.version != 0) change.body["target"] = model_node(request.model, request.version);
  return change;
}

// Why the plain call does not go through, and how it will.
Error pending(const ChangeRequest& request, const std::optional<StoredVersion>& stored, const std::string& covered) {
  std::string gates;
  if (stored)
    for (const auto& gate : stored->version.gates)
      if (!gate.ok) gates += fmt::format("; the gate {} failed: {}", gate.kind, gate.reason);
  const auto what = request.version == 0 ? std::string("to take it away") : fmt::format("version {}", request.version);
  return Error{Code::denied,
               fmt::format("{} is protected: request {} asks for {}; it has {} of {} approval{} by the role '{}'{}",
                           words_of(request), request.id(), what, voices_for(request, covered), request.voices,
                           request.voices == 1 ? "" : "s", request.role, gates)}
      .hint(fmt::format("let another person say: millrace model approve {} --why TEXT (until {})", request.id(),
                        to_iso(request.expires_at)));
}

Result<void> check_open(const ChangeRequest& request) {
  if (request.state == "open" || request.state == "approved") return {};
  const auto by =
      request.closed_by.empty() ? "" : fmt::format(", by {} at {}", request.closed_by, to_iso(request.closed_at));
  return Error{Code::conflict, fmt::format("{} is {}{}", request.id(), request.state, by)}.hint(
      "ask for the move again");
}

Result<void> check_voice(const Caller& caller, const ChangeRequest& request, const std::string& covered) {
  if (!caller.has_role(request.role) && !caller.is_local())
    return Error{Code::denied, fmt::format("{} may not approve {}: that takes the role '{}'", caller.subject,
                                           request.id(), request.role)}
        .hint("ask for a token with that role: millrace token create --subject NAME --role " + request.role);
  if (caller.subject == request.author)
    return Error{Code::denied, fmt::format("{} asked for {} and may not approve it", caller.subject, request.id())}
        .hint("let another person approve it");
  if (caller.is_local() && Caller{.subject = request.author}.is_local())
    return Error{Code::denied,
                 fmt::format("{} has no token and is never a second voice for {}", caller.subject, request.id())}
        .hint("approve with a token of your own: millrace token create --subject NAME --role " + request.role);
  for (const auto& voice : request.approvals)
    if (string_or(voice, "subject", "") == caller.subject && string_or(voice, "covers", "") == covered)
      return Error{Code::conflict, fmt::format("{} has approved {} already", caller.subject, request.id())}.hint(
          "another person has to approve it too");
  return {};
}

}  // namespace

Result<ModelSpec> governing_spec(const Project* project, const std::string& model) {
  MILLRACE_TRY(auto spec, spec_of(project, model));
  if (spec) return std::move(*spec);
  MILLRACE_TRY(const auto protection, protection_of(project, model));
  ModelSpec plain{.name = model};
  plain.approvals = static_cast<int>(protection.voices);
  plain.approver_role = protection.role;
  return plain;
}

Result<std::string> Registry::ask(const Caller& caller, const Project* project, const Wanted& wanted) {
  MILLRACE_TRY(const auto protection, protection_of(project, wanted.model));
  std::vector<std::string> touched{wanted.place};
  if (wanted.kind == "stage") {
    MILLRACE_TRY(const auto version, get(caller.workspace, wanted.model, wanted.version));
    touched.push_back(version.stage);
  }
  if (std::none_of(touched.begin(), touched.end(), [&](const auto& place) { return protection.covers(place); }))
    return std::string();
  MILLRACE_DO(may_write(caller, fmt::format("the {} '{}' of the model '{}'", wanted.kind, wanted.place, wanted.model)));
  if (wanted.version != 0) MILLRACE_DO(gather_evidence(caller, project, wanted.model, wanted.version));
  std::string granted;
  std::optional<Error> refusal;
  FAULT_POINT("registry.request.before_record");
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    const auto now = parts_.context.now();
    granted.clear();
    refusal.reset();
    std::optional<StoredVersion> stored;
    if (wanted.version != 0) {
      MILLRACE_TRY(stored, get_present(session, caller.workspace, wanted.model, wanted.version));
    }
    MILLRACE_TRY(const auto place, place_now(session, caller.workspace, project, wanted));
    MILLRACE_TRY(const auto found, find_request(session, caller.workspace, wanted, now));
    if (found) {
      if (found->before != place.before) {
        refusal = overtaken(*found, place);
        MILLRACE_DO(close_request(session, caller, *found, "overtaken", place.told, now));
        return line_of("overtaken", *found, place.told);
      }
      MILLRACE_TRY(const auto covered, covered_now(session, caller.workspace, *found));
      if (found->state == "approved" && voices_for(*found, covered) >= found->voices)
        granted = found->id();
      else
        refusal = pending(*found, stored, covered);
      return lineage::Change{};
    }
    ChangeRequest request;
    request.model = wanted.model;
    request.kind = wanted.kind;
    request.place = wanted.place;
    request.version = wanted.version;
    request.archive = wanted.archive;
    request.before = place.before;
    request.digests = stored ? stored->version.digests.to_json() : Json::object();
    request.voices = protection.voices;
    request.role = protection.role;
    request.author = caller.subject;
    request.via = caller.via;
    request.why = wanted.why;
    request.created_at = now;
    request.expires_at = now + protection.lifetime;
    MILLRACE_TRY(const auto made, insert_request(session, caller, request));
    refusal = pending(made, stored, "");
    return line_of("opened", made, wanted.why);
  }));
  (void)line;
  FAULT_POINT("registry.request.after_record");
  if (refusal) return *refusal;
  return granted;
}

Result<std::vector<ChangeRequest>> Registry::requests(const std::string& workspace, const std::string& model,
                                                      const std::string& state) const {
  std::vector<ChangeRequest> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, load_requests(session, workspace, model, parts_.context.now()));
    return {};
  }));
  if (!state.empty()) std::erase_if(out, [&](const auto& request) { return request.state != state; });
  return out;
}

Result<ChangeRequest> Registry::request(const std::string& workspace, const std::string& id) const {
  return read_one<ChangeRequest>(parts_.database, [&](store::Session& session) {
    return get_request(session, workspace, id, parts_.context.now());
  });
}

Result<ChangeRequest> Registry::approve_request(const Caller& caller, const Project* project, const std::string& id,
                                                const std::string& why) {
  MILLRACE_DO(check_why(why, "an approval"));
  MILLRACE_TRY(const auto asked, request(caller.workspace, id));
  MILLRACE_TRY(const auto spec, governing_spec(project, asked.model));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    const auto now = parts_.context.now();
    MILLRACE_TRY(auto request, get_request(session, caller.workspace, id, now));
    MILLRACE_DO(check_open(request));
    MILLRACE_TRY(const auto covered, covered_now(session, caller.workspace, request));
    // Its voices were there and it was not carried out: nothing but that is left to do.
    if (request.state == "approved" && voices_for(request, covered) >= request.voices) return lineage::Change{};
    MILLRACE_DO(check_voice(caller, request, covered));
    auto change = lineage::Change{};
    if (request.version != 0) {
      MILLRACE_TRY(const auto stored, get_present(session, caller.workspace, request.model, request.version));
      auto allowed = may_approve(caller, spec, stored);
      if (!allowed && allowed.error().code() != Code::conflict) return std::move(allowed).error();
      if (allowed) {
        MILLRACE_TRY(change, record_approval(session, caller, stored, why, now));
      }
    }
    MILLRACE_DO(add_voice(session, caller, request, covered, why, now));
    request.approvals.push_back({{"subject", caller.subject}, {"covers", covered}});
    if (voices_for(request, covered) >= request.voices)
      MILLRACE_DO(close_request(session, caller, request, "approved", why, now));
    change.kind = "model.request.approved";
    change.body["request"] = request.id();
    change.body["place"] = request.place;
    change.body["subject"] = caller.subject;
    change.node = request.version == 0 ? request.node() : model_node(request.model, request.version);
    change.after = covered;
    change.why = why;
    return change;
  }));
  (void)line;
  FAULT_POINT("registry.request.after_approval");
  MILLRACE_TRY(const auto now, request(caller.workspace, id));
  if (now.state == "approved") MILLRACE_DO(carry_out(caller, project, now));
  return request(caller.workspace, id);
}

Result<void> Registry::carry_out(const Caller& caller, const Project* project, const ChangeRequest& request) {
  auto mover = caller;
  mover.roles.emplace_back("writer");  // whose voice counted may see it through
  auto done = [&]() -> Result<void> {
    if (request.kind == "stage")
      return set_stage(mover, project, {request.model, request.version, request.place, request.archive, request.why});
    if (request.version == 0) return delete_alias(mover, project, request.model, request.place, request.why);
    return set_alias(mover, project, {request.model, request.place, request.version, {}}, request.why);
  }();
  if (done) return {};
  return std::move(done).error().while_doing(fmt::format("{} has its approvals; carrying it out", request.id()));
}

Result<ChangeRequest> Registry::reject_request(const Caller& caller, const std::string& id, const std::string& why) {
  MILLRACE_DO(check_why(why, "a rejection"));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    const auto now = parts_.context.now();
    MILLRACE_TRY(const auto request, get_request(session, caller.workspace, id, now));
    MILLRACE_DO(check_open(request));
    if (!caller.has_role(request.role) && !caller.is_local())
      return Error{Code::denied,
                   fmt::format("{} may not reject {}: that takes the role '{}'", caller.subject, id, request.role)};
    MILLRACE_DO(close_request(session, caller, request, "rejected", why, now));
    return line_of("rejected", request, why);
  }));
  (void)line;
  return request(caller.workspace, id);
}

Result<ChangeRequest> Registry::withdraw_request(const Caller& caller, const std::string& id, const std::string& why) {
  MILLRACE_DO(check_why(why, "a withdrawal"));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    const auto now = parts_.context.now();
    MILLRACE_TRY(const auto request, get_request(session, caller.workspace, id, now));
    MILLRACE_DO(check_open(request));
    if (caller.subject != request.author && !caller.has_role("admin"))
      return Error{Code::denied,
                   fmt::format("{} may not withdraw {}: {} asked for it", caller.subject, id, request.author)}
          .hint("reject it: millrace model reject " + id);
    MILLRACE_DO(close_request(session, caller, request, "withdrawn", why, now));
    return line_of("withdrawn", request, why);
  }));
  (void)line;
  return request(caller.workspace, id);
}

}  // namespace millrace::registry
