// Is there such a deployment?
#pragma once
#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {

// Named by the project, or released once by a project that no longer names it.
inline Result<void> must_be_known(Services& s, const std::string& workspace, const std::string& deployment) {
  MILLRACE_TRY(const auto releases, s.registry.releases(workspace, deployment));
  if (!releases.empty()) return {};
  MILLRACE_TRY(const auto project, s.project());
  MILLRACE_TRY(const auto deployments, registry::read_deployments(project));
  MILLRACE_DO(find_spec(deployments, deployment, "deployment"));
  return {};
}

}  // namespace millrace::api::native
