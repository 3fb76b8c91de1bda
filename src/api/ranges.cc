#include "api/ranges.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace millrace::api {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Digits only; numbers too large for us are beyond every file.
std::optional<int64_t> number(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc::result_out_of_range ? INT64_MAX : value;
}

// One of a list of tags; `weak` ones are the same file for a cache, but not for a piece of it.
bool names(std::string_view list, std::string_view etag) {
  if (trimmed(list) == "*") return true;
  for (size_t from = 0; from <= list.size();) {
    const size_t to = std::min(list.find(',', from), list.size());
    auto tag = trimmed(list.substr(from, to - from));
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
    from = to + 1;
  }
  return false;
}

}  // namespace

Wanted wanted_bytes(const Request& request, int64_t size, std::string_view etag) {
  const Wanted whole{.status = 200, .offset = 0, .length = size};
  if (const auto known = request.header("if-none-match"); !known.empty() && names(known, etag)) return {.status = 304};
  auto range = trimmed(request.header("range"));
  if (!range.starts_with("bytes=")) return whole;
  if (const auto of = trimmed(request.header("if-range")); !of.empty() && of != etag) return whole;
  range.remove_prefix(6);
  const auto dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) return whole;
  const auto first = trimmed(range.substr(0, dash)), last = trimmed(range.substr(dash + 1));
  const auto from = number(first), to = number(last);
  if ((!first.empty() && !from) || (!last.empty() && !to) || (!from && !to)) return whole;
  if (!from) {  // the last so many
    if (*to == 0 || size == 0) return {.status = 416};
    const auto length = std::min(*to, size);
    return {.status = 206, .offset = size - length, .length = length};
  }
  if (to && *to < *from) return whole;
  if (*from >= size) return {.status = 416};
  const auto end = to ? std::min(*to, size - 1) : size - 1;
  return {.status = 206, .offset = *from, .length = end - *from + 1};
}

Reply ranged_reply(const Wanted& wanted, int64_t size, const std::string& etag) {
  Reply reply = Reply::empty(wanted.status);
  reply.headers.emplace_back("accept-ranges", "bytes");
  reply.headers.emplace_back("etag", etag);
  if (wanted.status == 206)
    reply.headers.emplace_back("content-range",
                               fmt::format("bytes {}-{}/{}", wanted.offset, wanted.offset + wanted.length - 1, size));
  if (wanted.status == 416) reply.headers.emplace_back("content-range", fmt::format("bytes */{}", size));
  return reply;
}

}  // namespace millrace::api
