// One DuckDB database in memory with one connection, through ADBC. Not thread-safe, except cancel().
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "engine/duckdb/dialect.h"
#include "engine/duckdb/driver.h"
#include "engine/engine.h"

namespace millrace::engine::duckdb {

class Session final : public Engine, public Scanner {
 public:
  // `spill_folder` is this session's alone (DuckDB lets SQL read there), made when first needed; empty = never spills.
  static Result<std::unique_ptr<Session>> open(std::shared_ptr<const adbc::Driver> driver, const EngineOptions& options,
                                               std::string spill_folder);
  ~Session() override;

  Result<Table> query(std::string_view sql, const std::vector<Json>& parameters = {}) override;
  Result<int64_t> execute(std::string_view sql) override;
  Result<void> scan(std::string_view sql, const TakeRows& take) override;
  std::string hash(std::string_view list) const override { return "hash(" + std::string(list) + ")"; }
  Result<void> lock_down() override;
  void cancel() override { connection_.cancel(); }
  std::string describe() const override { return description_; }
  const Dialect& dialect() const override { return duckdb::dialect(); }

 private:
  Session(std::shared_ptr<const adbc::Driver> driver, const EngineOptions& options, std::string spill_folder);
  Result<void> start();
  Result<void> allow_files();
  Result<std::string> checked(std::string_view sql);
  Result<int64_t> count_selects(std::string_view sql);

  adbc::Connection connection_;
  EngineOptions options_;
  std::string spill_folder_;
  std::string description_;
  bool locked_ = false;
};

}  // namespace millrace::engine::duckdb
