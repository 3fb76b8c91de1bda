// A command line as words, the way a shell would split it. No shell reads it afterwards, so what only a shell can do is
// refused.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace::pipeline {

// Blanks separate words; '...', "..." and \ quote. Unquoted | & ; < > ( ) $ ` * ? and an open quote are `invalid` with
// a hint.
Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace millrace::pipeline
