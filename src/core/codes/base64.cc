#include "core/codes/base64.h"

#include <array>
#include <cstdint>

namespace millrace {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> values() {
  std::array<int8_t, 256> out{};
  out.fill(-1);
  for (size_t i = 0; i < kLetters.size(); ++i) out[static_cast<unsigned char>(kLetters[i])] = static_cast<int8_t>(i);
  return out;
}
constexpr auto kValues = values();

// `left` are the bits of the last letter that fill no byte.
std::optional<std::string> read_letters(std::string_view text, uint32_t& left) {
  std::string out;
  uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    group = group << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) out += static_cast<char>(group >> (bits -= 8) & 0xff);
  }
  left = group & ((1U << bits) - 1);
  return out;
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t at) { return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U; };
    const uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += kLetters[group >> 18];
    out += kLetters[group >> 12 & 63];
    out += i + 1 < bytes.size() ? kLetters[group >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? kLetters[group & 63] : '=';
  }
  return out;
}

std::string to_base64url(std::string_view bytes) {
  auto out = to_base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  for (auto& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) text.remove_suffix(1), ++padding;
  uint32_t left = 0;
  auto out = read_letters(text, left);
  if (out && (left != 0 || (padding == 0 ? 0 : 3 - padding) != out->size() % 3)) return std::nullopt;
  return out;
}

std::optional<std::string> from_any_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string plain(text);
  for (auto& c : plain) c = c == '-' ? '+' : c == '_' ? '/' : c;
  uint32_t left = 0;
  return read_letters(plain, left);
}

}  // namespace millrace
