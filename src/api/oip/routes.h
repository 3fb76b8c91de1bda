// The Open Inference Protocol (V2) over HTTP: health, metadata, inference with JSON and binary tensors, statistics, and
// the index of the model repository. Translation only; serve/ decides. Not served yet: gRPC, compressed bodies, shared
// memory, loading and unloading by request (releases do that).
#pragma once
#include "api/http.h"
#include "serve/data_plane.h"

namespace millrace::api::oip {

// `plane` must outlive the routes.
Routes routes(serve::DataPlane& plane);

}  // namespace millrace::api::oip
