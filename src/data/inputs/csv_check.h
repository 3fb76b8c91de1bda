// Whether a CSV file is what the engines are told that it is, told by the line. Spark reads over what is wrong and
// names no line, so that its files are read here first, once, in fixed memory.
#pragma once
#include <string>

#include "core/result.h"
#include "data/inputs/dialect.h"

namespace millrace::data {

// Every record has `columns` fields and quotes end where they should. `label` is what errors call the file, which
// check_text() has read.
Result<void> check_csv(const std::string& path, const std::string& label, const CsvDialect& dialect, size_t columns);

}  // namespace millrace::data
