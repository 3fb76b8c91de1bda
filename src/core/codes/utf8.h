// UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once
#include <cstddef>
#include <string_view>

namespace millrace {

size_t first_bad_utf8(std::string_view text);    // offset of the first bad byte; npos when all is good
size_t count_characters(std::string_view text);  // code points of what is UTF-8
inline bool is_utf8(std::string_view text) { return first_bad_utf8(text) == std::string_view::npos; }

}  // namespace millrace
