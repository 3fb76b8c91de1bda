// ADBC, the C interface that every engine's library speaks: a loaded library, one connection, one statement at a time.
// What an engine's words mean is the engine's: it gives `error_of`.
#pragma once
#include <arrow-adbc/adbc.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/json.h"
#include "core/result.h"
#include "engine/scan.h"
#include "engine/table.h"

namespace millrace::engine::adbc {

using ErrorOf = Error (*)(std::string_view message);

// A library as a table of functions. Thread-safe once loaded; never unloaded, since its threads may still return
// through it.
struct Driver {
  AdbcDriver functions{};
  ErrorOf error_of = nullptr;
};

struct Library {
  std::string path;
  const char* entry;      // the function that fills the table
  std::string_view name;  // "DuckDB"
  std::string_view hint;  // what to do when it cannot be used
  ErrorOf error_of;
};
Result<std::shared_ptr<const Driver>> load_driver(const Library& library);

// Receives one call's error and frees it. For one call at a time.
class Complaint {
 public:
  explicit Complaint(ErrorOf error_of) : error_of_(error_of) {}
  ~Complaint() { clear(); }
  Complaint(const Complaint&) = delete;
  Complaint& operator=(const Complaint&) = delete;
  AdbcError* out() {
    clear();
    return &error_;
  }
  Result<void> check(AdbcStatusCode status) const;

 private:
  void clear();
  ErrorOf error_of_;
  AdbcError error_ = ADBC_ERROR_INIT;
};

// Not thread-safe, except cancel().
class Connection {
 public:
  explicit Connection(std::shared_ptr<const Driver> driver) : driver_(std::move(driver)) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<void> open(const std::vector<std::pair<std::string, std::string>>& settings);
  // A statement from its text to the end of its rows; `timeout` after that many microseconds, 0 = none.
  Result<Table> query(const std::string& sql, const std::vector<Json>& parameters, Micros timeout);
  Result<int64_t> execute(const std::string& sql, Micros timeout);
  Result<void> scan(const std::string& sql, const TakeRows& take, Micros timeout);
  void cancel();
  void close();  // nothing may be called after it

 private:
  class Statement;
  template <class T, class Read>
  Result<T> run(const std::string& sql, const std::vector<Json>& parameters, Micros timeout, Read read);

  std::shared_ptr<const Driver> driver_;
  AdbcDatabase database_{};
  AdbcConnection connection_{};
};

// What a C string cannot carry, and what is over the limit of a statement.
Result<std::string> checked_text(std::string_view sql);

}  // namespace millrace::engine::adbc
