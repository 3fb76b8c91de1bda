#include "engine/spark/session.h"

#include <fmt/format.h>

namespace millrace::engine::spark {
namespace {

constexpr int kOldest = 4;  // Spark's first version whose session has what the dialect needs

}  // namespace

Result<std::unique_ptr<Session>> Session::open(std::shared_ptr<const adbc::Driver> driver, const std::string& url,
                                               const EngineOptions& options) {
  std::unique_ptr<Session> session(new Session(std::move(driver), options));
  auto started = session->start(url);
  if (!started) return started.error().while_doing("opening Spark");
  return session;
}

Result<void> Session::start(const std::string& url) {
  MILLRACE_DO(connection_.open({{"uri", url}}));
  MILLRACE_TRY(const Table version, query("SELECT split(version(), ' ')[0]"));
  const auto number = version.text(0, 0);
  if (std::atoi(number.c_str()) < kOldest)
    return Error{Code::unsupported, fmt::format("the server runs Spark {}", number)}.hint("Spark 4 is needed");
  description_ = "spark " + number;
  for (const auto* setting : {"spark.sql.session.timeZone=UTC", "spark.sql.ansi.enabled=true",
                              "spark.sql.variable.substitute=false", "spark.sql.timeType.enabled=true",
                              "spark.sql.parquet.binaryAsString=true", "spark.sql.timestampType=TIMESTAMP_LTZ"})
    MILLRACE_DO(execute(fmt::format("SET {}", setting)));
  return {};
}

Result<Table> Session::query(std::string_view sql, const std::vector<Json>& parameters) {
  MILLRACE_TRY(const auto text, adbc::checked_text(sql));
  return connection_.query(text, parameters, timeout_);
}

Result<int64_t> Session::execute(std::string_view sql) {
  MILLRACE_TRY(const auto text, adbc::checked_text(sql));
  return connection_.execute(text, timeout_);
}

Result<void> Session::lock_down() {
  return Error{Code::unsupported, "a Spark session cannot be locked: what SQL may read is set up at the server"}.hint(
      "use DuckDB for SQL that is not trusted");
}

}  // namespace millrace::engine::spark
