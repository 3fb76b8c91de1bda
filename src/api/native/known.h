// What there is: the project, a deployment.
#pragma once
#include "api/native/reply.h"
#include "api/native/routes.h"

namespace millrace::api::native {

// The project, or nothing when the server runs without one.
inline Result<std::optional<Project>> optional_project(const Services& s) {
  auto project = s.project();
  if (project) return std::optional(std::move(*project));
  if (project.error().code() == Code::not_found) return std::optional<Project>();
  return std::move(project).error();
}

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
