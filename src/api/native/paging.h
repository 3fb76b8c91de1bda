// Pages of the lists that the web interface shows: {items, next, total}.
#pragma once
#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "api/native/reply.h"

namespace millrace::api::native {

inline constexpr int64_t kPageDefault = 50, kPageMost = 500;

// ?limit=, from 1 to 500.
inline Result<int64_t> page_limit(const Request& request, int64_t otherwise = kPageDefault) {
  MILLRACE_TRY(const auto limit, query_integer(request, "limit", otherwise));
  if (limit < 1 || limit > kPageMost)
    return Error{Code::invalid, fmt::format("'limit' must be from 1 to {}, not {}", kPageMost, limit)}
        .at_field("limit")
        .hint("go on with ?after= and what 'next' of the page before says");
  return limit;
}

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
