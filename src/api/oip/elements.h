// The elements of one tensor, from JSON or from raw bytes. Included by parse.cc and elements.cc only: simdjson is
// heavy.
#pragma once
#include <simdjson.h>

#include <string>
#include <string_view>

#include "core/result.h"
#include "serve/tensor.h"

namespace millrace::api::oip {

// Fills out.data or out.texts; out.type and out.shape are set. `data` is flat, or nested exactly as the shape says.
// `field` names the data in errors ("inputs[0].data").
Result<void> read_elements(simdjson::ondemand::value data, const std::string& field, serve::Tensor& out);

// Packed little-endian bytes; BYTES are u32 length + bytes each. All of `raw` must be used.
Result<void> read_raw(std::string_view raw, const std::string& field, serve::Tensor& out);

}  // namespace millrace::api::oip
