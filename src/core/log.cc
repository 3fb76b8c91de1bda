#include "core/log.h"

#include <unistd.h>

#include <mutex>

#include <fmt/format.h>

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
    const std::string text = to_text(fields.is_object() ? fields : Json{{"value", fields}});
    write_fields(level, event, std::string_view(text).substr(1, text.size() - 2));
  }

  void write_fields(Level level, std::string_view event, std::string_view fields) override {
    if (level < least_) return;
    const std::string text =
        fmt::format("{{\"ts\":\"{}\",\"level\":\"{}\",\"event\":\"{}\"{}{}}}\n", to_iso(clock_.now()), name_of(level),
                    event, fields.empty() ? "" : ",", fields);
    // One call a line, so that lines never mix.
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
  void write_fields(Level, std::string_view, std::string_view) override {}
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
