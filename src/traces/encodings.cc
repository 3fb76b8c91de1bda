#include "core/codes/content_coding.h"
#include "traces/otlp.h"

namespace millrace::traces {

Result<std::string> inflate(std::string_view bytes, std::string_view encoding) {
  MILLRACE_TRY(const auto coding, parse_coding(encoding));
  return decode(coding, bytes, bounds::inflated_bytes);
}

Result<std::string> bytes_of_hex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  if (text.size() % 2 != 0) return Error{Code::invalid, "an id has an odd number of hexadecimal digits"};
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return Error{Code::invalid, "an id is not in hexadecimal digits"};
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

}  // namespace millrace::traces
