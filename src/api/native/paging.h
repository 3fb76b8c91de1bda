// Lists of the UI: ?limit= and ?after=CURSOR, answered as {"items", "next", "total"}.
#pragma once
#include <algorithm>
#include <string>

#include "api/native/reply.h"
#include "core/limits/ui_limits.h"

namespace millrace::api::native {

// From 1 to limits::list_most; `otherwise` when it is not given.
Result<int64_t> page_limit(const Request& request, int64_t otherwise = limits::list_default);
// One text parameter, at most so long; "" when it is not given.
Result<std::string> query_text(const Request& request, std::string_view name, size_t most);
// Two whole numbers or a number and an id, "17-abc", as a list's cursor. `invalid` for what no list gave.
struct Cursor {
  int64_t number = 0;  // 0: from the beginning
  std::string id = {};
};
Result<Cursor> page_cursor(const Request& request);
std::string cursor_text(const Cursor& cursor);

// Of a list that is made whole: a cursor is the number of items before it.
struct Slice {
  size_t from = 0, count = 0;
};
inline Result<Slice> page_slice(const Request& request) {
  MILLRACE_TRY(const auto limit, page_limit(request));
  auto after = query_integer(request, "after", 0);
  if (!after || *after < 0)
    return Error{Code::invalid, "this is no place to go on after"}.at_field("after").hint(
        "give what 'next' of the page before says");
  return Slice{static_cast<size_t>(*after), static_cast<size_t>(limit)};
}

// `item` makes the JSON of one element; only those of the page are made.
template <class Items, class ToJson>
Json page_of(const Items& items, Slice slice, ToJson item) {
  Json list = Json::array();
  const size_t from = std::min(slice.from, items.size()), to = std::min(items.size(), from + slice.count);
  for (size_t i = from; i < to; ++i) list.push_back(item(items[i]));
  return {{"items", std::move(list)},
          {"next", to < items.size() ? Json(std::to_string(to)) : Json(nullptr)},
          {"total", items.size()}};
}

}  // namespace millrace::api::native
