// UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once
#include <cstddef>
#include <string_view>

namespace millrace {

size_t first_bad_utf8(std::string_view text);  // offset of the first bad byte; npos when all is good
inline bool is_utf8(std::string_view text) { return first_bad_utf8(text) == std::string_view::npos; }

}  // namespace millrace
