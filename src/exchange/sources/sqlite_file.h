// A SQLite database of somebody else's, opened for reading only. Nothing is written beside it either.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "core/result.h"
#include "exchange/sources/sql_reader.h"

struct sqlite3;

namespace millrace::exchange {

// Used by one thread at a time.
class SqliteFile final : public SqlReader {
 public:
  // not_found when there is no such file, `invalid` when it is no database, `unavailable` while somebody writes to it.
  static Result<std::unique_ptr<SqliteFile>> open(const std::string& path);
  ~SqliteFile() override;
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  Result<void> each(const std::string& sql, const store::Values& values,
                    const std::function<Result<void>(const store::Row&)>& take) override;
  Result<std::set<std::string>> columns(const std::string& table) override;

 private:
  explicit SqliteFile(sqlite3* database) : database_(database) {}
  sqlite3* database_;
};

}  // namespace millrace::exchange
