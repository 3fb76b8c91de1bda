// JSON lines: one object a line. They are read through once to know which keys there are and what stands under them;
// the same key may hold numbers here and text there, which is then judged value by value.
#pragma once
#include "data/inputs/inputs.h"

namespace millrace::data {

// The keys in the order of their first appearance. Types: BIGINT, DOUBLE, BOOLEAN, VARCHAR where all values of a key
// are of that kind (VARCHAR also where all are null), else JSON: the value as it is written. `invalid` with line and
// byte for what is no JSON object, a key twice in one line, a line over limits::json_line_bytes, too many keys.
Result<std::vector<InputColumn>> scan_json_lines(const std::string& path, const std::string& label);

}  // namespace millrace::data
