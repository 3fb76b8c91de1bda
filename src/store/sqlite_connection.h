// One SQLite connection with its prepared statements. Used by one thread at a time.
#pragma once
#include <memory>
#include <string>
#include <unordered_map>

#include "store/database.h"

struct sqlite3;
struct sqlite3_stmt;

namespace millrace::store {

class Connection final : public Session {
 public:
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // A writer makes the file if needed and turns it to WAL; it refuses a database of another program untouched.
  static Result<std::unique_ptr<Connection>> open_writer(const std::string& path);
  static Result<std::unique_ptr<Connection>> open_reader(const std::string& path);

  Result<void> script(std::string_view sql);   // many statements, no values
  Result<void> control(std::string_view sql);  // BEGIN and its kin: one statement, kept like a query's
  Result<Rows> query(std::string_view sql, const Values& values) override;
  Result<int64_t> execute(std::string_view sql, const Values& values) override;
  // After a full disk SQLite may have ended the transaction by itself.
  bool in_transaction() const;

 private:
  Connection() = default;
  Result<void> open(const std::string& path, int flags);
  Result<void> claim();
  Result<sqlite3_stmt*> prepare(std::string_view sql, const Values& values);
  Result<sqlite3_stmt*> statement_of(std::string_view sql);
  void forget_statements();

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  sqlite3* db_ = nullptr;
  std::unordered_map<std::string, sqlite3_stmt*, Hash, std::equal_to<>> statements_;
};

}  // namespace millrace::store
