// The end of an import or export, for people: counts and digests side by side, and what is wrong.
#pragma once
#include <string>

#include "core/json.h"

namespace millrace::cli {

// `left` and `right` name the two sides.
std::string exchange_lines(const Json& report, const std::string& left, const std::string& right);

}  // namespace millrace::cli
