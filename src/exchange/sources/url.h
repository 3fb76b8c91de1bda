// Parts of addresses. Pure.
#pragma once
#include <string>
#include <string_view>

namespace millrace::exchange {

// %20 becomes a blank and so on; what is no escape stays.
inline std::string unescaped(std::string_view text) {
  const auto hex_of = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_of(text[i + 1]) >= 0 && hex_of(text[i + 2]) >= 0;
    out += escape ? static_cast<char>(hex_of(text[i + 1]) * 16 + hex_of(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return out;
}

}  // namespace millrace::exchange
