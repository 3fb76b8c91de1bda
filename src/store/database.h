// The metadata store: SQL behind a small layer that SQLite implements now and PostgreSQL can implement later.
// Writes are serialised and committed in groups; a write returns only after its commit is durable.
// Statements use `?` parameters; SQL is kept to what both engines read.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/context.h"
#include "core/result.h"

namespace millrace::store {

struct Blob {
  std::string bytes;
};
using Value = std::variant<std::nullptr_t, int64_t, double, std::string, Blob>;
using Values = std::vector<Value>;

// One row of a result; reading a column of another type gives 0, NaN or "".
class Row {
 public:
  explicit Row(Values values) : values_(std::move(values)) {}
  bool is_null(size_t column) const { return std::holds_alternative<std::nullptr_t>(values_.at(column)); }
  int64_t integer(size_t column) const;
  double real(size_t column) const;
  std::string text(size_t column) const;
  size_t size() const { return values_.size(); }

 private:
  Values values_;
};
using Rows = std::vector<Row>;

// One transaction's view. Not thread-safe; valid only inside the function that it was handed to.
class Session {
 public:
  virtual ~Session() = default;
  virtual Result<Rows> query(std::string_view sql, const Values& values = {}) = 0;
  virtual Result<int64_t> execute(std::string_view sql, const Values& values = {}) = 0;  // rows changed

  // The first row, or nothing.
  Result<std::optional<Row>> first(std::string_view sql, const Values& values = {});
};

using Write = std::function<Result<void>(Session&)>;
using Read = std::function<Result<void>(Session&)>;

// Thread-safe. A failed Write leaves nothing behind and does not disturb the others in its group.
// `unavailable` when the queue is full or the disk is (reading goes on); a constraint that fails is `conflict`.
class Database {
 public:
  virtual ~Database() = default;
  virtual Result<void> write(const Write& rows) = 0;      // returns after the durable commit
  virtual Result<void> read(const Read& rows) const = 0;  // one consistent snapshot
};

// Opens or makes STATE/meta.db (WAL, synchronous=FULL), and migrates it. Refuses a newer schema with a hint.
Result<std::unique_ptr<Database>> open_sqlite(const std::string& path, Context& context);

}  // namespace millrace::store
