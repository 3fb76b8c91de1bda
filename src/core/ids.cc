#include "core/ids.h"

#include <array>
#include <cctype>

#include "core/hash.h"

namespace millrace {

std::string make_uuid(Clock& clock, Random& random) {
  std::array<unsigned char, 16> bytes{};
  random.fill(bytes.data() + 6, 10);
  const auto millis = static_cast<uint64_t>(clock.now() / 1000);
  for (size_t i = 0; i < 6; ++i) bytes[i] = static_cast<unsigned char>(millis >> (40 - 8 * i));
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x70);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out(36, '-');
  for (size_t i = 0, at = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    out[at++] = kHex[bytes[i] >> 4];
    out[at++] = kHex[bytes[i] & 15];
  }
  return out;
}

std::string make_hex(Random& random, size_t bytes) {
  std::string raw(bytes, '\0');
  random.fill(raw.data(), raw.size());
  return to_hex(raw.data(), raw.size());
}

std::string make_token(Random& random) { return "mr_" + make_hex(random, 32); }

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 250 || text.find("..") != std::string_view::npos) return false;
  if (!std::isalnum(static_cast<unsigned char>(text[0]))) return false;
  for (const char c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '.' && c != '-') return false;
  return true;
}

}  // namespace millrace
