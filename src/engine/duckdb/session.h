// One DuckDB database in memory with one connection, through ADBC. Not thread-safe, except cancel().
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "engine/duckdb/dialect.h"
#include "engine/duckdb/driver.h"
#include "engine/engine.h"

namespace millrace::engine::duckdb {

class Session final : public Engine {
 public:
  // `spill_folder` is this session's alone (DuckDB lets SQL read there), made when first needed; empty = never spills.
  static Result<std::unique_ptr<Session>> open(std::shared_ptr<const Driver> driver, const EngineOptions& options,
                                               std::string spill_folder);
  ~Session() override;

  Result<Table> query(std::string_view sql, const std::vector<Json>& parameters = {}) override;
  Result<int64_t> execute(std::string_view sql) override;
  Result<void> lock_down() override;
  void cancel() override;
  std::string describe() const override { return description_; }
  const Dialect& dialect() const override { return duckdb::dialect(); }

 private:
  class Statement;
  Session(std::shared_ptr<const Driver> driver, const EngineOptions& options, std::string spill_folder);
  Result<void> start();
  Result<void> start_database();
  Result<void> allow_files();
  Result<std::string> checked(std::string_view sql);
  Result<int64_t> count_selects(std::string_view sql);
  template <class T, class Read>
  Result<T> run(const std::string& sql, const std::vector<Json>& parameters, Read read);

  std::shared_ptr<const Driver> driver_;
  EngineOptions options_;
  std::string spill_folder_;
  AdbcDatabase database_{};
  AdbcConnection connection_{};
  std::string description_;
  bool locked_ = false;
};

}  // namespace millrace::engine::duckdb
