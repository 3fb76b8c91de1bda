// Base64 of RFC 4648, section 4, as bundles carry it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace millrace::registry {

std::string to_base64(std::string_view bytes);
// Nothing for what is not base64 in full: no blanks, padding as it must be, no bits lost.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace millrace::registry
