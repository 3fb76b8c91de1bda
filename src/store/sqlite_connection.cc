#include "store/sqlite_connection.h"

#include <sqlite3.h>

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::store {
namespace {

constexpr int kApplicationId = 0x4d494c4c;  // "MILL": `file meta.db` tells whose it is

Error sqlite_error(sqlite3* db, int code, std::string_view doing) {
  const std::string message = fmt::format("{}: {}", doing, db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT: return Error{Code::conflict, message};
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return Error{Code::unavailable, message}.hint(
          "the disk is full or failing: free some room and try again; nothing was half-written");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Error{Code::unavailable, message}.hint("another process holds the store; try again");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Error{Code::corrupt, message}.hint("restore the state folder from a backup");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM: return Error{Code::denied, message}.hint("check the owner and mode of the state folder");
    case SQLITE_TOOBIG: return Error{Code::too_large, message};
    case SQLITE_INTERRUPT: return Error{Code::timeout, message};
    default: return Error{Code::internal, message};
  }
}

int bind(sqlite3_stmt* statement, int at, const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, at, *integer);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, at, *real);
  if (const auto* text = std::get_if<std::string>(&value))
    return sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  if (const auto* blob = std::get_if<Blob>(&value))
    return sqlite3_bind_blob64(statement, at, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
  return sqlite3_bind_null(statement, at);
}

Row read_row(sqlite3_stmt* statement) {
  Values values;
  const int columns = sqlite3_column_count(statement);
  for (int i = 0; i < columns; ++i) {
    switch (sqlite3_column_type(statement, i)) {
      case SQLITE_INTEGER: values.emplace_back(static_cast<int64_t>(sqlite3_column_int64(statement, i))); break;
      case SQLITE_FLOAT: values.emplace_back(sqlite3_column_double(statement, i)); break;
      case SQLITE_NULL: values.emplace_back(nullptr); break;
      default: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, i));
        const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, i));
        values.emplace_back(std::string(bytes != nullptr ? bytes : "", size));
      }
    }
  }
  return Row(std::move(values));
}

}  // namespace

Connection::~Connection() {
  forget_statements();
  sqlite3_close(db_);
}

Result<void> Connection::open(const std::string& path, int flags) {
  if (const int code = sqlite3_open_v2(path.c_str(), &db_, flags | SQLITE_OPEN_NOMUTEX, nullptr); code != SQLITE_OK)
    return sqlite_error(db_, code, "cannot open the store");
  sqlite3_busy_timeout(db_, 10'000);
  sqlite3_extended_result_codes(db_, 1);
  for (const char* pragma :
       {"PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON", "PRAGMA trusted_schema=OFF", "PRAGMA cache_size=-8192",
        "PRAGMA temp_store=MEMORY", "PRAGMA case_sensitive_like=ON"})  // as PostgreSQL's
    MILLRACE_DO(script(pragma));
  return {};
}

Result<std::unique_ptr<Connection>> Connection::open_writer(const std::string& path) {
  std::unique_ptr<Connection> out(new Connection());
  if (auto opened = out->open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE); !opened)
    return std::move(opened).error().at({.file = path});
  if (auto claimed = out->claim(); !claimed) return std::move(claimed).error().at({.file = path});
  return out;
}

Result<std::unique_ptr<Connection>> Connection::open_reader(const std::string& path) {
  std::unique_ptr<Connection> out(new Connection());
  if (auto opened = out->open(path, SQLITE_OPEN_READWRITE); !opened)
    return std::move(opened).error().at({.file = path});
  if (auto done = out->script("PRAGMA query_only=ON"); !done) return std::move(done).error().at({.file = path});
  return out;
}

// Looks whose database this is before changing a byte of it.
Result<void> Connection::claim() {
  MILLRACE_TRY(const auto id, first("PRAGMA application_id"));
  MILLRACE_TRY(const auto tables, first("SELECT count(*) FROM sqlite_schema"));
  const bool ours = id && id->integer(0) == kApplicationId;
  const bool empty = id && id->integer(0) == 0 && tables && tables->integer(0) == 0;
  if (!ours && !empty)
    return Error{Code::conflict, "this database belongs to another program"}.hint("give another --state folder");
  MILLRACE_TRY(const auto mode, first("PRAGMA journal_mode=WAL"));
  if (!mode || mode->text(0) != "wal")
    return Error{Code::unsupported, "this file system cannot hold the store's write-ahead log"}.hint(
        "put the state folder on a local disk");
  return ours ? Result<void>{} : script(fmt::format("PRAGMA application_id={}", kApplicationId));
}

Result<void> Connection::script(std::string_view sql) {
  const std::string text(sql);
  const int code = sqlite3_exec(db_, text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(db_, code, "the store refused a statement");
  return {};
}

Result<void> Connection::control(std::string_view sql) {
  if (auto rows = query(sql, {}); !rows) return std::move(rows).error();
  return {};
}

Result<Rows> Connection::query(std::string_view sql, const Values& values) {
  MILLRACE_TRY(auto* statement, prepare(sql, values));
  Rows rows;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) rows.push_back(read_row(statement));
  std::optional<Error> failed;
  if (code != SQLITE_DONE) failed = sqlite_error(db_, code, "the store could not answer");
  sqlite3_reset(statement);
  if (failed) return std::move(*failed);
  return rows;
}

Result<int64_t> Connection::execute(std::string_view sql, const Values& values) {
  if (auto rows = query(sql, values); !rows) return std::move(rows).error();
  return sqlite3_changes64(db_);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

Result<sqlite3_stmt*> Connection::prepare(std::string_view sql, const Values& values) {
  MILLRACE_TRY(auto* statement, statement_of(sql));
  sqlite3_clear_bindings(statement);
  if (sqlite3_bind_parameter_count(statement) != static_cast<int>(values.size()))
    return Error{Code::internal, fmt::format("{} values for the {} parameters of '{}'", values.size(),
                                             sqlite3_bind_parameter_count(statement), sql.substr(0, 200))};
  for (size_t i = 0; i < values.size(); ++i)
    if (const int code = bind(statement, static_cast<int>(i + 1), values[i]); code != SQLITE_OK)
      return sqlite_error(db_, code, "a value could not be bound");
  return statement;
}

Result<sqlite3_stmt*> Connection::statement_of(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
  if (statements_.size() >= limits::store_statements) forget_statements();
  sqlite3_stmt* made = nullptr;
  const char* rest = nullptr;
  const int code =
      sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &made, &rest);
  if (code != SQLITE_OK) return sqlite_error(db_, code, fmt::format("the statement '{}'", sql.substr(0, 200)));
  const auto tail = sql.substr(static_cast<size_t>(rest - sql.data()));
  if (made == nullptr || tail.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    sqlite3_finalize(made);
    return Error{Code::internal, fmt::format("not one statement: '{}'", sql.substr(0, 200))};
  }
  statements_.emplace(std::string(sql), made);
  return made;
}

void Connection::forget_statements() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  statements_.clear();
}

}  // namespace millrace::store
