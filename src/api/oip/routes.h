// The Open Inference Protocol (V2) over HTTP with the extensions binary_tensor_data, statistics, model_repository and
// model_configuration: health, metadata, inference with JSON, binary and raw tensors. Translation only; serve/ decides.
// Not served: shared memory, traces and log settings by request.
#pragma once
#include "api/http.h"
#include "serve/data_plane.h"

namespace millrace::api::oip {

// `plane` must outlive the routes.
Routes routes(serve::DataPlane& plane);

}  // namespace millrace::api::oip
