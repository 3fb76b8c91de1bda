// The elements of one tensor, from JSON. Included by parse.cc and elements.cc only: simdjson is heavy.
#pragma once
#include <simdjson.h>

#include <string>

#include "core/result.h"
#include "serve/tensor.h"

namespace millrace::api::oip {

// Fills out.data or out.texts; out.type and out.shape are set. `data` is flat, or nested exactly as the shape says.
// `field` names the data in errors ("inputs[0].data").
Result<void> read_elements(simdjson::ondemand::value data, const std::string& field, serve::Tensor& out);

}  // namespace millrace::api::oip
