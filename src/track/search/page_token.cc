#include "core/codes/base64.h"
#include "core/hash.h"
#include "core/json.h"
#include "track/search/query.h"

namespace millrace::track {
namespace {

constexpr size_t kTokenBytes = 1 << 20;  // a token may hold 20 long texts that were sorted by

Error bad_token() {
  return Error{Code::invalid, "Invalid page token"}.hint(
      "send the token of the page before, with the same filter and order");
}

std::string brief(std::string_view question) { return digest_of(question).substr(7, 12); }

}  // namespace

std::string make_token(const Json& last, std::string_view question) {
  return to_base64url(to_text(Json{{"last", last}, {"of", brief(question)}}));
}

Result<Json> read_token(std::string_view token, std::string_view question, size_t fields) {
  if (token.size() > kTokenBytes) return bad_token();
  const auto text = from_any_base64(token);
  if (!text) return bad_token();
  auto read = parse_json(*text, "page token");
  if (!read || string_or(*read, "of", "") != brief(question)) return bad_token();
  const auto* last = find(*read, "last");
  if (last == nullptr || !last->is_array() || last->size() != fields) return bad_token();
  for (const auto& field : *last)
    if (!field.is_number() && !field.is_string()) return bad_token();
  return *last;
}

}  // namespace millrace::track
