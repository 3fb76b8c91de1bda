// Bytes to an open file descriptor, for those that open files in ways of their own.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace {

// All of them, over as many calls as it takes; `path` is for the error.
Result<void> write_all(int descriptor, std::string_view bytes, const std::string& path);

}  // namespace millrace
