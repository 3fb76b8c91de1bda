// MLflow's REST protocol over tracking and the registry: translation only. Paths are /api/2.0/mlflow/..., the same
// under /ajax-api, and the artifact proxy.
#pragma once
#include <functional>

#include "api/http.h"
#include "core/project.h"
#include "registry/registry.h"
#include "track/tracking.h"

namespace millrace::traces {
class Traces;
}
namespace millrace::evaluation {
class Datasets;
}
namespace millrace::webhooks {
class Webhooks;
}

namespace millrace::api::mlflow {

// What the handlers speak to. Outlives the routes.
struct Services {
  Services(track::Tracking& tracking) : tracking(tracking) {}  // NOLINT: implicit on purpose
  Services(track::Tracking& tracking, registry::Registry& registry, std::function<Result<Project>()> project)
      : tracking(tracking), registry(&registry), project(std::move(project)) {}
  track::Tracking& tracking;
  registry::Registry* registry = nullptr;    // null: registered models do not answer
  std::function<Result<Project>()> project;  // not_found when the server runs without one
  // Set before routes(); what is null does not answer.
  traces::Traces* traces = nullptr;
  evaluation::Datasets* evaluation = nullptr;
  webhooks::Webhooks* webhooks = nullptr;
};

Routes routes(const Services& services);

}  // namespace millrace::api::mlflow
