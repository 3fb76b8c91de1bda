// From the body of an inference request to tensors, strictly: what the model does not take or the protocol does not
// know is refused with its field. The JSON part is read once, on demand; binary tensors follow it when the client says
// so.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "serve/data_plane.h"

namespace millrace::api::oip {

struct InferCall {
  serve::InferRequest request;
  bool has_id = false;       // the answer repeats it, also when it is empty
  std::vector<bool> binary;  // one for each wanted output
};

struct InferBody {
  const std::string& bytes;         // capacity at least 64 bytes beyond its size
  std::optional<size_t> json_size;  // Inference-Header-Content-Length, not 0; nothing: all of it is JSON
};

// The header's value, or `invalid`. "" = no binary tensors, 0 = no JSON.
Result<std::optional<size_t>> parse_json_size(std::string_view header, size_t body_size);

Result<InferCall> parse_infer(const InferBody& body, const serve::Arm& arm, bool batched);

// A body that is the one input of a model and nothing else. Where one dimension varies, the number of bytes says how
// long it is; of several, the first is 1. All outputs are answered, binary.
Result<InferCall> parse_raw(const std::string& body, const serve::Arm& arm, bool batched);

}  // namespace millrace::api::oip
