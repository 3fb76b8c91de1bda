// An MLflow database in PostgreSQL, read in one read-only transaction: what others write meanwhile is not seen. Answers
// come through cursors, a bounded number of rows at a time. The URL's password is in no name, message or error.
#pragma once
#include <memory>
#include <set>
#include <string>

#include "exchange/sources/sql_reader.h"

struct pg_conn;
struct pg_result;

namespace millrace::exchange {

// "postgresql://...", "postgres://..." or SQLAlchemy's "postgresql+DRIVER://...", without the driver; "" for another.
std::string postgres_url(const std::string& where);

// A URL without its password, and the password ("" = it has none). `invalid`, without repeating any of it, for what is
// no URL.
struct SplitUrl {
  std::string url, password;
};
Result<SplitUrl> without_password(const std::string& url);

// Used by one thread at a time. A reading may start others.
class PostgresReader final : public SqlReader {
 public:
  // `password` "" = the URL's, PGPASSWORD or the password file, in libpq's order.
  // `unavailable` while the server cannot be reached, `denied` for a wrong user or password.
  static Result<std::unique_ptr<PostgresReader>> open(const std::string& url, const std::string& password);
  ~PostgresReader() override;
  PostgresReader(const PostgresReader&) = delete;
  PostgresReader& operator=(const PostgresReader&) = delete;

  Result<void> each(const std::string& sql, const store::Values& values,
                    const std::function<Result<void>(const store::Row&)>& take) override;
  Result<std::set<std::string>> columns(const std::string& table) override;

  // "postgresql:HOST:PORT/DATABASE/SCHEMA": names the source, tells no secret.
  const std::string& name() const { return name_; }

 private:
  explicit PostgresReader(pg_conn* connection) : connection_(connection) {}
  struct Clear {
    void operator()(pg_result* result) const;
  };
  using Answer = std::unique_ptr<pg_result, Clear>;
  Result<void> begin(const std::string& url);
  Result<Answer> run(const std::string& sql, const store::Values& values);

  pg_conn* connection_;
  std::string name_;
  uint64_t cursors_ = 0;
};

}  // namespace millrace::exchange
