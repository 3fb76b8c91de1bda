#include "exchange/sources/sqlite_file.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <array>
#include <fstream>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace::exchange {
namespace {

constexpr int kBusyMilliseconds = 10'000;

Error sqlite_error(sqlite3* database, int code, std::string_view doing) {
  auto message = fmt::format("{}: {}", doing, database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error{Code::unavailable, std::move(message)}.hint("another process writes to it; try again in a moment");
    case SQLITE_NOTADB: return Error{Code::invalid, std::move(message)}.hint("give the file of a SQLite database");
    case SQLITE_CORRUPT: return Error{Code::corrupt, std::move(message)}.hint("restore it from a backup");
    case SQLITE_READONLY:
      return Error{Code::unavailable, std::move(message)}.hint(
          "a writer died in mid-write: open it once with its own program, which will mend it");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM: return Error{Code::denied, std::move(message)}.hint("check the owner and mode of the file");
    default: return Error{Code::internal, std::move(message)};
  }
}

bool has_bytes(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

// A URI of the path: "?" and "#" in it are not ours.
std::string uri_of(const std::string& path, std::string_view options) {
  std::string out = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%')
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return fmt::format("{}?{}", out, options);
}

// Byte 18 of a database's header is 2 when it is in write-ahead mode.
constexpr size_t kWriteVersion = 18;
constexpr char kWriteAhead = 2;

Result<bool> is_write_ahead(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 20> header{};
  if (!file.read(header.data(), header.size()))
    return Error{Code::invalid, "this is no SQLite database"}.at({.file = path});
  return header[kWriteVersion] == kWriteAhead;
}

// In write-ahead mode a reader makes files beside the database, unless it is told that nobody changes it. Nobody does
// when there is neither log nor index; when there are both, they are there already.
Result<std::string> options_for(const std::string& path) {
  MILLRACE_TRY(const auto bytes, file_size(path));
  (void)bytes;
  MILLRACE_TRY(const bool ahead, is_write_ahead(path));
  if (!ahead || exists(path + "-shm")) return std::string("mode=ro");
  if (has_bytes(path + "-wal"))
    return Error{Code::unavailable, "its last writer died and left a log beside it (-wal)"}
        .at({.file = path})
        .hint("open it once with its own program, which will mend it");
  return std::string("mode=ro&immutable=1");
}

store::Row row_of(sqlite3_stmt* statement) {
  store::Values values;
  const int columns = sqlite3_column_count(statement);
  for (int i = 0; i < columns; ++i) {
    switch (sqlite3_column_type(statement, i)) {
      case SQLITE_INTEGER: values.emplace_back(int64_t{sqlite3_column_int64(statement, i)}); break;
      case SQLITE_FLOAT: values.emplace_back(sqlite3_column_double(statement, i)); break;
      case SQLITE_NULL: values.emplace_back(nullptr); break;
      default: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, i));
        values.emplace_back(
            std::string(bytes != nullptr ? bytes : "", static_cast<size_t>(sqlite3_column_bytes(statement, i))));
      }
    }
  }
  return store::Row(std::move(values));
}

int bind(sqlite3_stmt* statement, int at, const store::Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, at, *integer);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, at, *real);
  if (const auto* text = std::get_if<std::string>(&value))
    return sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  return sqlite3_bind_null(statement, at);
}

}  // namespace

Result<std::unique_ptr<SqliteFile>> SqliteFile::open(const std::string& path) {
  MILLRACE_TRY(const auto options, options_for(path));
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(uri_of(path, options).c_str(), &database,
                                   SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteFile> out(new SqliteFile(database));
  if (code != SQLITE_OK) return sqlite_error(database, code, "cannot open the database").at({.file = path});
  sqlite3_busy_timeout(database, kBusyMilliseconds);
  sqlite3_extended_result_codes(database, 1);
  for (const char* pragma : {"PRAGMA trusted_schema=OFF", "PRAGMA query_only=ON", "PRAGMA temp_store=MEMORY",
                             "SELECT count(*) FROM sqlite_schema"})
    if (const int done = sqlite3_exec(database, pragma, nullptr, nullptr, nullptr); done != SQLITE_OK)
      return sqlite_error(database, done, "cannot read the database").at({.file = path});
  return out;
}

SqliteFile::~SqliteFile() { sqlite3_close(database_); }

Result<void> SqliteFile::each(const std::string& sql, const store::Values& values,
                              const std::function<Result<void>(const store::Row&)>& take) {
  sqlite3_stmt* made = nullptr;
  const int prepared = sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &made, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(made, &sqlite3_finalize);
  if (prepared != SQLITE_OK) return sqlite_error(database_, prepared, "cannot read the database");
  for (size_t i = 0; i < values.size(); ++i)
    if (const int code = bind(made, static_cast<int>(i + 1), values[i]); code != SQLITE_OK)
      return sqlite_error(database_, code, "cannot read the database");
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(made)) == SQLITE_ROW) MILLRACE_DO(take(row_of(made)));
  if (code != SQLITE_DONE) return sqlite_error(database_, code, "cannot read the database");
  return {};
}

Result<std::set<std::string>> SqliteFile::columns(const std::string& table) {
  std::set<std::string> out;
  MILLRACE_DO(each("SELECT name FROM pragma_table_info(?)", {table}, [&](const store::Row& row) -> Result<void> {
    out.insert(row.text(0));
    return {};
  }));
  return out;
}

}  // namespace millrace::exchange
