// Whether a CSV file is what the engines are told that it is, told by the line. Spark reads over what is wrong (it
// replaces bytes that are no UTF-8, and names no line), so that its files are read here first, once, in fixed memory.
#pragma once
#include <string>

#include "core/result.h"

namespace millrace::data {

// Every record has `columns` fields, quotes end where they should, all of it is UTF-8. `label` is what errors call it.
Result<void> check_csv(const std::string& path, const std::string& label, char delimiter, size_t columns);

}  // namespace millrace::data
