#include "engine/spark/errors.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace millrace::engine::spark {
namespace {

constexpr size_t kMessageBytes = 2'000;

struct Said {
  std::string_view part;
  Code code;
  std::string_view hint;
};

constexpr std::string_view kReach = "is the Spark Connect server up, and is this its address (sc://host:port)?";
constexpr std::string_view kRights =
    "give the server's account the right, or name another token in the address (sc://host:port/;token=...)";

// The first that occurs in the message decides; the particular comes before the general.
constexpr std::array kSaid = {
    Said{"OPERATION_CANCELED", Code::timeout, ""},
    Said{"CANCELLED", Code::timeout, ""},
    Said{"context canceled", Code::timeout, ""},
    Said{"DeadlineExceeded", Code::timeout, ""},
    Said{"connection refused", Code::unavailable, kReach},
    Said{"connection error", Code::unavailable, kReach},
    Said{"transport:", Code::unavailable, kReach},
    Said{"no such host", Code::unavailable, kReach},
    Said{"UNAVAILABLE", Code::unavailable, kReach},
    Said{"UNAUTHENTICATED", Code::denied, kRights},
    Said{"PERMISSION_DENIED", Code::denied, kRights},
    Said{"AccessControlException", Code::denied, kRights},
    Said{"Permission denied", Code::denied, kRights},
    Said{"PATH_NOT_FOUND", Code::not_found, "Spark's machines must see the file by the same path"},
    Said{"FileNotFoundException", Code::not_found, "Spark's machines must see the file by the same path"},
    Said{"OutOfMemoryError", Code::too_large, "give Spark's driver and executors more memory"},
    Said{"No space left on device", Code::unavailable, "free space on Spark's machines"},
};

// Spark repeats the SQL and the place in it behind the message.
std::string_view without_context(std::string_view text) {
  for (const std::string_view end : {"\n== SQL", "\nJVM stacktrace", "\n\tat ", ". Vendor code:", ". Error code:"})
    text = text.substr(0, text.find(end));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

std::string_view without_prefix(std::string_view text) {
  for (const std::string_view prefix : {"INTERNAL: ", "IO: ", "UNKNOWN: ", "INVALID_ARGUMENT: ", "[Spark] "})
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return text;
}

}  // namespace

Error error_of(std::string_view message) {
  const auto text = without_prefix(without_context(message)).substr(0, kMessageBytes);
  // SQLSTATE stands behind the SQL when that is in the middle.
  std::string state;
  if (const auto at = message.find("SQLSTATE: "); at != std::string_view::npos && text.find("SQLSTATE") == text.npos)
    state = fmt::format(" SQLSTATE: {}", message.substr(at + 10, 5));
  const std::string said = text.empty() ? "Spark failed without a message" : fmt::format("{}{}", text, state);
  for (const auto& known : kSaid) {
    if (message.find(known.part) == std::string_view::npos) continue;
    Error error{known.code, said};
    return known.hint.empty() ? error : error.hint(std::string(known.hint));
  }
  return Error{Code::invalid, said};
}

}  // namespace millrace::engine::spark
