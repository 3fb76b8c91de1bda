// UBJSON (draft 12) as XGBoost writes it, as a JSON document. Strict: one document, no duplicate keys, no trailing
// bytes; counts are checked against the bytes that are there before anything is allocated.
#pragma once
#include <string_view>

#include "core/json.h"

namespace millrace::serve::trees {

// `corrupt`, or `too_large` over limits::tree_document_depth and tree_values.
Result<Json> parse_ubj(std::string_view bytes);

}  // namespace millrace::serve::trees
