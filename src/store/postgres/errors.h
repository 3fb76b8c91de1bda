// What PostgreSQL's errors are in our closed set of codes, the same as SQLite's where both have them.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace::store::postgres {

// `state` is the SQLSTATE, "" when the server said none (the connection was lost).
// https://www.postgresql.org/docs/15/errcodes-appendix.html
Error to_error(std::string_view state, const std::string& message);

}  // namespace millrace::store::postgres
