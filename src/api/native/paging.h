// Lists of the UI: ?limit= and ?after=CURSOR, answered as {"items", "next", "total"}.
#pragma once
#include <string>

#include "api/native/reply.h"
#include "core/limits/ui_limits.h"

namespace millrace::api::native {

// From 1 to limits::list_most; limits::list_default when it is not given.
Result<int64_t> page_limit(const Request& request);
// One text parameter, at most so long; "" when it is not given.
Result<std::string> query_text(const Request& request, std::string_view name, size_t most);
// Two whole numbers or a number and an id, "17-abc", as a list's cursor. `invalid` for what no list gave.
struct Cursor {
  int64_t number = 0;  // 0: from the beginning
  std::string id = {};
};
Result<Cursor> page_cursor(const Request& request);
std::string cursor_text(const Cursor& cursor);

}  // namespace millrace::api::native
