// One session of a Spark 4 Connect server, through ADBC. Not thread-safe, except cancel().
//
// The session's settings are those that the dialect's spelling relies on: time zone UTC, ANSI, no substitution of
// ${...} in SQL, TIME as a type, binary Parquet columns read as text.
#pragma once
#include <memory>
#include <string>

#include "engine/adbc.h"
#include "engine/engine.h"
#include "engine/spark/dialect.h"

namespace millrace::engine::spark {

class Session final : public Engine {
 public:
  static Result<std::unique_ptr<Session>> open(std::shared_ptr<const adbc::Driver> driver, const std::string& url,
                                               const EngineOptions& options);

  Result<Table> query(std::string_view sql, const std::vector<Json>& parameters = {}) override;
  Result<int64_t> execute(std::string_view sql) override;
  // `unsupported`: what a server may read is set up at the server. SQL that a user wrote must not come here as it is.
  Result<void> lock_down() override;
  void cancel() override { connection_.cancel(); }
  std::string describe() const override { return description_; }
  const Dialect& dialect() const override { return spark::dialect(); }

 private:
  Session(std::shared_ptr<const adbc::Driver> driver, const EngineOptions& options)
      : connection_(std::move(driver)), timeout_(options.timeout) {}
  Result<void> start(const std::string& url);

  adbc::Connection connection_;
  Micros timeout_ = 0;
  std::string description_;
};

}  // namespace millrace::engine::spark
