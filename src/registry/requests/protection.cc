#include "registry/requests/protection.h"

#include <algorithm>

namespace millrace::registry {
namespace {

constexpr Micros kDay = 86'400'000'000;

}  // namespace

bool Protection::covers(std::string_view place) const {
  return std::find(places.begin(), places.end(), place) != places.end();
}

Result<std::optional<ModelSpec>> spec_of(const Project* project, const std::string& model) {
  if (project == nullptr) return std::optional<ModelSpec>();
  MILLRACE_TRY(auto all, read_models(*project));
  for (auto& spec : all)
    if (spec.name == model) return std::optional(std::move(spec));
  return std::optional<ModelSpec>();
}

Result<Protection> protection_of(const Project* project, const std::string& model) {
  if (project == nullptr) return Protection{};
  MILLRACE_TRY(const auto common, read_registry(*project));
  MILLRACE_TRY(const auto spec, spec_of(project, model));
  if (!spec || !spec->protects)
    return Protection{common.places, spec ? spec->approvals : common.approvals,
                      spec ? spec->approver_role : common.approver_role,
                      (spec ? spec->expires_days : common.expires_days) * kDay};
  return Protection{*spec->protects, spec->approvals, spec->approver_role, spec->expires_days * kDay};
}

}  // namespace millrace::registry
