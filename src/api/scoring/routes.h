// MLflow's scoring protocol (/invocations, /ping) for the models that the Open Inference Protocol serves. Read as the
// scoring server of MLflow 3.17 reads it; a test compares the two.
#pragma once
#include "api/http.h"
#include "serve/data_plane.h"

namespace millrace::api::scoring {

// `plane` must outlive the routes. GET /version is left to whoever serves MLflow's other endpoints, or `with_version`.
Routes routes(serve::DataPlane& plane, bool with_version);

}  // namespace millrace::api::scoring
