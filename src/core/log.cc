#include "core/log.h"

#include <unistd.h>

#include <mutex>

namespace millrace {
namespace {

std::string_view name_of(Log::Level level) {
  switch (level) {
    case Log::Level::debug: return "debug";
    case Log::Level::info: return "info";
    case Log::Level::warn: return "warn";
    case Log::Level::error: return "error";
  }
  return "error";
}

class StandardError final : public Log {
 public:
  StandardError(Level least, const Clock& clock) : least_(least), clock_(clock) {}
  void write(Level level, std::string_view event, const Json& fields) override {
    if (level < least_) return;
    // Keys sort as event, level, ts after the fields' own; a line is written in one call so that lines never mix.
    Json line = fields.is_object() ? fields : Json{{"value", fields}};
    line["event"] = std::string(event);
    line["level"] = std::string(name_of(level));
    line["ts"] = to_iso(clock_.now());
    const std::string text = to_text(line) + "\n";
    const std::lock_guard lock(mutex_);
    const char* at = text.data();
    for (size_t left = text.size(); left > 0;) {
      const ssize_t wrote = ::write(STDERR_FILENO, at, left);
      if (wrote <= 0) return;  // nobody reads: losing a log line is the lesser harm
      at += wrote;
      left -= static_cast<size_t>(wrote);
    }
  }

 private:
  Level least_;
  const Clock& clock_;
  std::mutex mutex_;
};

class Silent final : public Log {
 public:
  void write(Level, std::string_view, const Json&) override {}
};

}  // namespace

std::unique_ptr<Log> make_log(Log::Level least, const Clock& clock) {
  return std::make_unique<StandardError>(least, clock);
}

Log& silent_log() {
  static Silent log;
  return log;
}

}  // namespace millrace
