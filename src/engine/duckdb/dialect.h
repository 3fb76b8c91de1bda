// DuckDB's spelling.
#pragma once
#include "engine/dialect.h"

namespace millrace::engine::duckdb {

const Dialect& dialect();

}  // namespace millrace::engine::duckdb
