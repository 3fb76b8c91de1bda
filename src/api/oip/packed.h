// Tensors as packed little-endian bytes, BYTES as u32 length and bytes for each element: the binary tensors of REST and
// the raw contents of gRPC.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"
#include "serve/tensor.h"

namespace millrace::api::oip {

// Fills out.data or out.texts; out.type and out.shape are set. All of `raw` must be used.
Result<void> read_raw(std::string_view raw, const std::string& field, serve::Tensor& out);
void append_raw(std::string& out, const serve::Tensor& tensor);
size_t raw_size(const serve::Tensor& tensor);

}  // namespace millrace::api::oip
