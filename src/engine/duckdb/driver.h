// DuckDB's library, and its errors as ours.
#pragma once
#include <memory>
#include <string>

#include "engine/adbc.h"

namespace millrace::engine::duckdb {

Result<std::shared_ptr<const adbc::Driver>> load_driver(const std::string& path);

// The code is read from DuckDB's own words ("Parser Error: ..."), because its ADBC status says little.
Code code_of(std::string_view message);
Error error_of(std::string_view message);

}  // namespace millrace::engine::duckdb
