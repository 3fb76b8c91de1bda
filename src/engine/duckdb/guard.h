// What a locked session still runs. DuckDB's own lock knows no difference between reading and writing an allowed file,
// and lets ATTACH and COPY use each of them; so a statement must also be one of
//   SELECT and its like (FROM, VALUES, WITH, DESCRIBE, SUMMARIZE, SHOW)
//   COPY (select) TO 'file' (plain options)                       the file is a writable one
//   CREATE [OR REPLACE] [TEMP] TABLE|VIEW name AS select,  INSERT INTO name select,  DROP TABLE|VIEW [IF EXISTS] name
// Whether a text is a SELECT is asked of DuckDB's parser, and all but a SELECT is put together anew from its checked
// parts, so that no trick with quotes or comments reads differently here and there. Pure; thread-safe.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace::engine::duckdb {

// DuckDB's parser on a text: the number of its SELECT statements, or -1 if it holds one of another kind.
// An error if it cannot be parsed.
using CountSelects = std::function<Result<int64_t>(std::string_view sql)>;

// The text to run instead of `sql`; `denied` if it is none of the above.
Result<std::string> allowed(std::string_view sql, const std::vector<std::string>& writable, const CountSelects& count);

// The path with its links followed, as far as it exists. What SQL names and what is allowed are compared in this form.
std::string real_path(const std::string& path);
// Whether `path` is one of `allowed` or below one of them; both in the form of real_path().
bool is_under(std::string_view path, const std::vector<std::string>& allowed);

}  // namespace millrace::engine::duckdb
