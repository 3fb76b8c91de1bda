// A stage's SQL text with its parameters written in.
#pragma once
#include <string>
#include <string_view>

#include "core/json.h"

namespace millrace::pipeline {

// Every $name outside quotes and comments becomes the literal of params[name]: text, numbers, booleans, null and lists
// of these. A name without a value is `invalid` at its line and column; `file` names the text in errors. A ';' at the
// end is taken away.
Result<std::string> bind_params(std::string_view sql, const Json& params, const std::string& file);

}  // namespace millrace::pipeline
