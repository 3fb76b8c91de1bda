#include <array>

#include "core/hash.h"
#include "core/json.h"
#include "track/query.h"

namespace millrace::track {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kTokenBytes = 1 << 20;  // a token may hold 20 long texts that were sorted by

Error bad_token() {
  return Error{Code::invalid, "Invalid page token"}.hint(
      "send the token of the page before, with the same filter and order");
}

std::string brief(std::string_view question) { return digest_of(question).substr(7, 12); }

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += kAlphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) out += kAlphabet[bits << (6 - count) & 63];
  return out;
}

Result<std::string> decode_base64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return bad_token();
    bits = bits << 6 | static_cast<uint32_t>(value);
    if ((count += 6) >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return out;
}

std::string make_token(const Json& last, std::string_view question) {
  return encode_base64(to_text(Json{{"last", last}, {"of", brief(question)}}));
}

Result<Json> read_token(std::string_view token, std::string_view question, size_t fields) {
  if (token.size() > kTokenBytes) return bad_token();
  MILLRACE_TRY(const auto text, decode_base64(token));
  auto read = parse_json(text, "page token");
  if (!read || string_or(*read, "of", "") != brief(question)) return bad_token();
  const auto* last = find(*read, "last");
  if (last == nullptr || !last->is_array() || last->size() != fields) return bad_token();
  for (const auto& field : *last)
    if (!field.is_number() && !field.is_string()) return bad_token();
  return *last;
}

}  // namespace millrace::track
