// One connection to PostgreSQL with its prepared statements. Used by one thread at a time.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "store/database.h"

struct pg_conn;
struct pg_result;

namespace millrace::store::postgres {

// Refuses, without repeating any of it, what is no URL of PostgreSQL, and secrets that were not percent-encoded and
// would end up in the name of a host or port.
Result<void> check_url(const std::string& url);
// "postgresql://host:port/database": no user, no secret. For logs and errors.
std::string shown_url(const std::string& url);
bool has_password(const std::string& url);

// A statement that fails inside a transaction fails all that follow it there with the same error, until the
// transaction or its savepoint is rolled back by recover().
class Connection final : public Session {
 public:
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `unavailable` while the server cannot be reached, `denied` for a wrong user or password, `unsupported` before
  // PostgreSQL 15 and for an encoding that is not UTF-8.
  static Result<std::unique_ptr<Connection>> open(const std::string& url);

  Result<void> script(const std::string& sql);  // many statements, no values, sent at once
  Result<Rows> query(std::string_view sql, const Values& values) override;
  Result<int64_t> execute(std::string_view sql, const Values& values) override;
  // `unavailable` with nothing committed when the server says so; ask broken() first: then only the server knows.
  Result<void> commit();
  Result<void> recover(const std::string& rollback);

  bool broken() const;                                              // lost: of use to nobody
  bool in_transaction() const;                                      // also one that failed
  const std::optional<Error>& failure() const { return failure_; }  // of the transaction
  // Of pg_advisory_xact_lock, so that one server at a time writes to this schema of this database.
  int64_t lock_key() const { return lock_key_; }

 private:
  Connection() = default;
  struct Clear {
    void operator()(pg_result* result) const;
  };
  using Outcome = std::unique_ptr<pg_result, Clear>;
  Result<void> prepare_session();
  Result<Outcome> run(std::string_view sql, const Values& values);
  Result<std::string> statement_of(std::string_view sql, const std::string& signature, const unsigned* types,
                                   size_t values);
  Error failed(const pg_result* result, std::string_view doing);

  pg_conn* connection_ = nullptr;
  bool lost_ = false;
  std::optional<Error> failure_;
  int64_t lock_key_ = 0;
  uint64_t prepared_ = 0;
  std::unordered_map<std::string, std::string> statements_;  // types and text -> name
};

}  // namespace millrace::store::postgres
