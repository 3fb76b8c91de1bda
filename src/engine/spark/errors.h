// Spark's words ("[CLASS] text SQLSTATE: 42P01") as errors of ours.
#pragma once
#include <string_view>

#include "core/error.h"

namespace millrace::engine::spark {

// The message keeps Spark's class and SQLSTATE; the SQL text and the stack behind them are cut.
Error error_of(std::string_view message);

}  // namespace millrace::engine::spark
