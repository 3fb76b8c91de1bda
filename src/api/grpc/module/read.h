// From an inference request in protocol buffers to tensors, by the rules that REST has too (oip/call.h).
#pragma once
#include <inference.pb.h>
#include "core/result.h"
#include "serve/data_plane.h"

namespace millrace::api::rpc {

struct InferCall {
  serve::InferRequest request;
  bool raw = false;  // tensors came as raw_input_contents, and the answer's go the same way
};

// `invalid` or `too_large` with its field; shared memory is `unsupported`.
Result<InferCall> read_infer(const inference::ModelInferRequest& request, const serve::Arm& arm, bool batched);

}  // namespace millrace::api::rpc
