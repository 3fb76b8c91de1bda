#include "engine/duckdb/guard.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <filesystem>
#include <optional>

#include "engine/engine.h"

namespace millrace::engine::duckdb {
namespace {

constexpr size_t kShownBytes = 80;

Error refused(std::string_view sql) {
  const std::string shown(sql.substr(0, kShownBytes));
  return Error{Code::denied, fmt::format("this statement is not allowed in a locked session: {}{}", shown,
                                         sql.size() > kShownBytes ? "..." : "")}
      .hint(
          "use SELECT, COPY (SELECT ...) TO 'file', CREATE TABLE|VIEW name AS SELECT, INSERT INTO name SELECT or DROP");
}

// Parts of the statements that are allowed besides SELECT. `(?s)`: a dot matches a new line.
struct Shapes {
  re2::RE2 copy{R"((?is)^\s*COPY\s*\((.*)\)\s*TO\s+'((?:[^']|'')*)'\s*(\([a-z0-9_,\s]*\))?[;\s]*$)"};
  re2::RE2 create{
      R"((?is)^\s*(CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP\s+|TEMPORARY\s+)?(?:TABLE|VIEW)\s+)([a-z_][a-z0-9_]*|"(?:[^"]|"")+")\s+AS\s+(.*)$)"};
  re2::RE2 insert{R"((?is)^\s*(INSERT\s+INTO\s+)([a-z_][a-z0-9_]*|"(?:[^"]|"")+")\s+(.*)$)"};
  re2::RE2 drop{R"((?is)^\s*DROP\s+(?:TABLE|VIEW)\s+(?:IF\s+EXISTS\s+)?(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")[;\s]*$)"};
};

std::string unquoted(std::string text) {
  re2::RE2::GlobalReplace(&text, "''", "'");
  return text;
}

Result<void> one_select(const std::string& sql, const CountSelects& count) {
  MILLRACE_TRY(const int64_t selects, count(sql));
  if (selects != 1) return refused(sql);
  return {};
}

// A SELECT that ended with its own semicolon would not stand inside another statement.
std::string without_end(std::string sql) {
  const size_t end = sql.find_last_not_of("; \t\r\n");
  sql.resize(end == std::string::npos ? 0 : end + 1);
  return sql;
}

}  // namespace

std::string real_path(const std::string& path) {
  std::error_code failed;
  const auto real = std::filesystem::weakly_canonical(std::filesystem::absolute(path, failed), failed);
  std::string text = failed ? path : real.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

bool is_under(std::string_view path, const std::vector<std::string>& allowed) {
  for (const std::string& one : allowed)
    if (path == one || (path.starts_with(one) && path.size() > one.size() && path[one.size()] == '/')) return true;
  return false;
}

Result<std::string> allowed(std::string_view sql, const std::vector<std::string>& writable, const CountSelects& count) {
  static const Shapes shapes;
  MILLRACE_TRY(const int64_t selects, count(sql));
  if (selects >= 0) return std::string(sql);

  std::string head, name, inner, path, options;
  if (re2::RE2::FullMatch(sql, shapes.copy, &inner, &path, &options)) {
    MILLRACE_DO(one_select(inner, count));
    path = unquoted(path);
    if (!is_under(real_path(path), writable))
      return Error{Code::denied, fmt::format("SQL may not write {}", path)}
          .at(Where{.file = path})
          .hint("write to a declared output");
    // The new line ends a comment that the SELECT may end with.
    return fmt::format("COPY ({}\n) TO {} {}", without_end(inner), quote_text(path), options);
  }
  if (re2::RE2::FullMatch(sql, shapes.create, &head, &name, &inner)) {
    MILLRACE_DO(one_select(inner, count));
    return fmt::format("{}{} AS {}", head, name, inner);
  }
  if (re2::RE2::FullMatch(sql, shapes.insert, &head, &name, &inner)) {
    MILLRACE_DO(one_select(inner, count));
    return fmt::format("{}{} {}", head, name, inner);
  }
  if (re2::RE2::FullMatch(sql, shapes.drop)) return std::string(sql);
  return refused(sql);
}

}  // namespace millrace::engine::duckdb
