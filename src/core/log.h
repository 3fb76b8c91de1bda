// Structured log lines: one JSON object a line, to standard error or a file. Thread-safe, never blocks on more than a
// write. Secrets and personal fields do not belong in here.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/json.h"

namespace millrace {

class Log {
 public:
  enum class Level { debug, info, warn, error };
  virtual ~Log() = default;
  virtual void write(Level level, std::string_view event, const Json& fields) = 0;
  // The same for lines that are written too often to build a document for: `fields` is JSON text without its braces
  // ("\"a\":1,\"b\":2").
  virtual void write_fields(Level level, std::string_view event, std::string_view fields) = 0;

  void info(std::string_view event, const Json& fields = Json::object()) { write(Level::info, event, fields); }
  void warn(std::string_view event, const Json& fields = Json::object()) { write(Level::warn, event, fields); }
  void error(std::string_view event, const Json& fields = Json::object()) { write(Level::error, event, fields); }
};

std::unique_ptr<Log> make_log(Log::Level least, const Clock& clock);  // to standard error
Log& silent_log();

}  // namespace millrace
