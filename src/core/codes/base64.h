// Base64 of RFC 4648: with padding (section 4), and with letters for addresses and none (section 5).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

std::string to_base64(std::string_view bytes);
std::string to_base64url(std::string_view bytes);  // no padding
// Nothing for what is not base64 in full: no blanks, padding as it must be, no bits lost.
std::optional<std::string> from_base64(std::string_view text);
// For what many programs write: both alphabets, padding or none.
std::optional<std::string> from_any_base64(std::string_view text);

}  // namespace millrace
