// Pages of the web interface: the facts that one page shows, from the services that own them, as one document each.
// They decide nothing. Shapes: docs/openapi.json tells the routes, api/native hands the documents on.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/context.h"
#include "impact/impact.h"
#include "monitor/rollout/rollouts.h"
#include "registry/registry.h"
#include "serve/data_plane.h"
#include "store/database.h"

namespace millrace::report {

// All outlive the pages.
struct PageSources {
  Context& context;
  const store::Database& database;
  const registry::Registry& registry;
  const serve::DataPlane& data_plane;
  const monitor::Rollouts& rollouts;
  const impact::Impact& impact;
};

// A deployment as the project or a release names it.
struct NamedDeployment {
  std::string name, model;
  Json spec;  // {unit, guard, alias, isolation, canary_share, rollout: bool}; null when only a release names it
};
// By name. `project` may be null.
Result<std::vector<NamedDeployment>> named_deployments(const PageSources& sources, const std::string& workspace,
                                                       const Project* project);

// Of the data plane: why the deployment is not served, or "".
std::string not_served(const serve::DataPlane& data_plane, const std::string& deployment);

// A number, or null when it is none.
Json number_or_null(double value);
// {value, low, high} of an estimate of a window's summary; null when it has none.
Json estimate_of(const Json& performance, const std::string& metric);
inline Json time_or_null(Micros time) { return time == 0 ? Json(nullptr) : Json(to_iso(time)); }

}  // namespace millrace::report
