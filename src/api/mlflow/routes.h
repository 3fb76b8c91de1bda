// MLflow's REST protocol over tracking: translation only. Paths are /api/2.0/mlflow/..., the same under /ajax-api, and
// the artifact proxy.
#pragma once
#include "api/http.h"
#include "track/tracking.h"

namespace millrace::api::mlflow {

// What the handlers speak to. Outlives the routes.
struct Services {
  Services(track::Tracking& tracking) : tracking(tracking) {}  // NOLINT: implicit on purpose
  track::Tracking& tracking;
};

Routes routes(const Services& services);

}  // namespace millrace::api::mlflow
