// From a scoring request to the tensors of a model: columns by name, or in their order as the one matrix that a model
// takes. What the model does not take is left out, as MLflow does; what it needs and nobody sent is an error.
#pragma once
#include "api/scoring/frame.h"
#include "serve/infer.h"
#include "serve/prediction.h"

namespace millrace::api::scoring {

// All outputs are wanted. Numbers become the type of the input where they fit it exactly, floating point ones rounded;
// null is NaN there. `invalid` names the column and the row, never the value.
Result<serve::InferRequest> to_request(const Frame& frame, const serve::Arm& arm, bool batched);

}  // namespace millrace::api::scoring
