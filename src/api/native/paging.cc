#include "api/native/paging.h"

#include <charconv>

#include <fmt/format.h>

namespace millrace::api::native {

Result<int64_t> page_limit(const Request& request, int64_t otherwise) {
  MILLRACE_TRY(const auto limit, query_integer(request, "limit", otherwise));
  if (limit >= 1 && limit <= static_cast<int64_t>(limits::list_most)) return limit;
  return Error{Code::invalid, fmt::format("'limit' must be from 1 to {}, not {}", limits::list_most, limit)}
      .at_field("limit")
      .hint("the rest of a list comes with ?after=NEXT");
}

Result<std::string> query_text(const Request& request, std::string_view name, size_t most) {
  auto text = request.query_value(name).value_or("");
  if (text.size() <= most) return text;
  return Error{Code::invalid, fmt::format("'{}' has {} bytes, and at most {} are read", name, text.size(), most)}
      .at_field(std::string(name))
      .hint("shorten it");
}

Result<Cursor> page_cursor(const Request& request) {
  const auto text = request.query_value("after").value_or("");
  Cursor out;
  if (text.empty()) return out;
  const auto dash = std::min(text.find('-'), text.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + dash, out.number);
  if (error != std::errc() || end != text.data() + dash || out.number <= 0)
    return Error{Code::invalid, fmt::format("'{}' is no cursor of this list", text.substr(0, 80))}
        .at_field("after")
        .hint("take 'next' of the answer before, or leave it out for the first page");
  if (dash < text.size()) out.id = text.substr(dash + 1);
  return out;
}

std::string cursor_text(const Cursor& cursor) {
  return cursor.id.empty() ? std::to_string(cursor.number) : fmt::format("{}-{}", cursor.number, cursor.id);
}

}  // namespace millrace::api::native
