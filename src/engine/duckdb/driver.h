// DuckDB's library as a table of ADBC functions, and its errors as ours. Thread-safe once loaded; never unloaded, since
// its threads may still return through it.
#pragma once
#include <arrow-adbc/adbc.h>

#include <memory>
#include <string>

#include "core/result.h"

namespace millrace::engine::duckdb {

struct Driver {
  AdbcDriver functions{};
  std::string path;
};

Result<std::shared_ptr<const Driver>> load_driver(const std::string& path);

// The code is read from DuckDB's own words ("Parser Error: ..."), because its ADBC status says little.
Code code_of(std::string_view message);
Error error_of(std::string_view message);

// Receives one call's error and frees it. For one call at a time.
class Complaint {
 public:
  Complaint() = default;
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
  AdbcError error_ = ADBC_ERROR_INIT;
};

}  // namespace millrace::engine::duckdb
