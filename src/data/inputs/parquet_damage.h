// Where a Parquet file is damaged. Asked only after an engine could not read it: it decodes everything.
#pragma once
#include <string>

namespace millrace::data {

// "its footer", "row group 3, column 'dep_time'" (from 1); "" when Arrow can read all of it.
std::string damaged_part(const std::string& path);

}  // namespace millrace::data
