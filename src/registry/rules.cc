#include "registry/rules.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace millrace::registry {
namespace {

constexpr size_t kWhyBytes = 4096;
constexpr size_t kAliasBytes = 255;

bool is_local(const std::string& subject) { return Caller{.subject = subject}.is_local(); }
bool counts(const Json& approval) { return approval.value("holds", false); }

std::string again(const ModelVersion& version) {
  return fmt::format("millrace model gates {} {}", version.model, version.version);
}

// Both approving and releasing rest on gates that were evaluated, passed, and are those that the project asks for
// today.
Result<void> gates_stand(const ModelSpec& spec, const StoredVersion& stored, std::string_view what) {
  const auto& version = stored.version;
  if (stored.evaluation == 0)
    return Error{Code::rejected, fmt::format("{} cannot be {}: its gates were not evaluated", version.node(), what)}
        .hint(again(version));
  if (const auto failed = failed_gates(version); !failed.empty()) {
    std::string reasons;
    for (const auto& gate : version.gates)
      if (!gate.ok) reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : ". ", gate.kind, gate.reason);
    return Error{Code::rejected, fmt::format("{} cannot be {}: the gate{} {} failed", version.node(), what,
                                             failed.size() > 1 ? "s" : "", fmt::join(failed, ", "))}
        .hint(reasons);
  }
  if (stored.policy != policy_of(spec))
    return Error{
        Code::rejected,
        fmt::format("{} cannot be {}: the project asks for other gates or approvals than those that were evaluated",
                    version.node(), what)}
        .at(spec.where)
        .hint(again(version));
  return {};
}

}  // namespace

int64_t voices_needed(const Json& policy) {
  const auto* approvals = find(policy, "approvals");
  return approvals == nullptr ? 1 : std::max<int64_t>(1, integer_or(*approvals, "count", 1));
}

int64_t count_voices(const Json& approvals, const std::string& author, int64_t needed) {
  int64_t known = 0;
  bool local = false;
  for (const auto& approval : approvals) {
    const auto subject = string_or(approval, "subject", "");
    if (!counts(approval) || (needed > 1 && subject == author)) continue;
    if (is_local(subject))
      local = true;
    else
      ++known;
  }
  return known + (local ? 1 : 0);
}

std::vector<std::string> failed_gates(const ModelVersion& version) {
  std::vector<std::string> out;
  for (const auto& gate : version.gates)
    if (!gate.ok) out.push_back(gate.kind);
  return out;
}

std::string state_of(const ModelVersion& version, const Json& policy) {
  if (policy.is_null()) return "registered";
  if (!failed_gates(version).empty()) return "gates_failed";
  const auto needed = voices_needed(policy);
  return count_voices(version.approvals, version.author, needed) >= needed ? "approved" : "gates_passed";
}

Result<void> may_approve(const Caller& caller, const ModelSpec& spec, const StoredVersion& stored) {
  const auto& version = stored.version;
  if (!caller.has_role(spec.approver_role) && !caller.is_local())
    return Error{Code::denied, fmt::format("{} may not approve {}: that takes the role '{}'", caller.subject,
                                           version.node(), spec.approver_role)}
        .hint("ask for a token with that role: millrace token create --subject NAME --role " + spec.approver_role);
  MILLRACE_DO(gates_stand(spec, stored, "approved"));
  bool others = false;
  for (const auto& approval : version.approvals) {
    if (!counts(approval)) continue;
    if (string_or(approval, "subject", "") == caller.subject)
      return Error{Code::conflict,
                   fmt::format("{} has approved {} already, for exactly these digests", caller.subject, version.node())}
          .hint(version.state == "approved" ? "it is approved; release it" : "another person has to approve it too");
    others = true;
  }
  if (voices_needed(stored.policy) < 2) return {};
  if (caller.subject == version.author)
    return Error{Code::denied, fmt::format("{} registered {} and may not approve it: {} other voices are asked for",
                                           caller.subject, version.node(), voices_needed(stored.policy))}
        .hint("let others approve it");
  if (caller.is_local() && (others || is_local(version.author)))
    return Error{Code::denied,
                 fmt::format("{} has no token and is never a second voice for {}", caller.subject, version.node())}
        .hint("approve with a token of your own: millrace token create --subject NAME --role " + spec.approver_role);
  return {};
}

Result<void> may_move_traffic(const Caller& caller, std::string_view deployment) {
  if (caller.has_role("approver") || caller.is_local()) return {};
  return Error{Code::denied, fmt::format("{} may not change what '{}' serves: that takes the role 'approver'",
                                         caller.subject, deployment)}
      .hint("ask for a token with that role: millrace token create --subject NAME --role approver");
}

Result<void> may_release(const ModelSpec& spec, const StoredVersion& stored) {
  const auto& version = stored.version;
  MILLRACE_DO(gates_stand(spec, stored, "released"));
  const auto needed = voices_needed(stored.policy);
  const auto given = count_voices(version.approvals, version.author, needed);
  if (given >= needed) return {};
  const bool lost = std::any_of(version.approvals.begin(), version.approvals.end(),
                                [](const Json& approval) { return !counts(approval); });
  return Error{
      Code::rejected,
      fmt::format("{} cannot be released: it has {} of {} approval{} for exactly these digests{}", version.node(),
                  given, needed, needed == 1 ? "" : "s", lost ? "; the evidence has changed since an earlier one" : "")}
      .hint(fmt::format("millrace model approve {} {} --why TEXT", version.model, version.version));
}

Result<void> may_shadow(const ModelSpec& spec, const StoredVersion& stored) {
  return gates_stand(spec, stored, "a shadow");
}

Result<void> check_alias(const std::string& alias) {
  const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string lower = alias;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool number = lower.size() > 1 && lower[0] == 'v' && std::all_of(lower.begin() + 1, lower.end(), digit);
  if (alias.empty() || alias.size() > kAliasBytes || !std::all_of(alias.begin(), alias.end(), word) ||
      lower == "latest" || number)
    return Error{Code::invalid, fmt::format("'{}' cannot be an alias", alias.substr(0, 100))}.at_field("alias").hint(
        "letters, digits, '_' and '-', at most 255; 'latest' and v1 have meanings of their own");
  return {};
}

Result<void> check_why(const std::string& why, std::string_view what) {
  if (why.find_first_not_of(" \t\r\n") == std::string::npos)
    return Error{Code::invalid, fmt::format("{} needs a reason", what)}.at_field("why").hint(
        "say why in a sentence; it is kept in the audit chain");
  if (why.size() > kWhyBytes)
    return Error{Code::too_large, fmt::format("the reason has {} bytes, {} are allowed", why.size(), kWhyBytes)}
        .at_field("why");
  return {};
}

}  // namespace millrace::registry
