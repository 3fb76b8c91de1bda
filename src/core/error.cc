#include "core/error.h"

#include <fmt/format.h>

namespace millrace {

std::string_view name_of(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::rejected: return "rejected";
    case Code::not_found: return "not_found";
    case Code::unauthenticated: return "unauthenticated";
    case Code::denied: return "denied";
    case Code::conflict: return "conflict";
    case Code::too_large: return "too_large";
    case Code::unsupported: return "unsupported";
    case Code::unavailable: return "unavailable";
    case Code::timeout: return "timeout";
    case Code::corrupt: return "corrupt";
    case Code::internal: return "internal";
  }
  return "internal";
}

std::string Where::text() const {
  std::string out = file;
  if (line > 0) out += fmt::format(":{}", line);
  if (line > 0 && column > 0) out += fmt::format(":{}", column);
  if (!field.empty()) out += out.empty() ? fmt::format("field {}", field) : fmt::format(" (field {})", field);
  return out;
}

std::string Error::text() const {
  std::string out;
  for (auto it = doing_.rbegin(); it != doing_.rend(); ++it) out += *it + ": ";
  if (!where_.empty()) out += where_.text() + ": ";
  out += message_;
  if (!hint_.empty()) out += ". Hint: " + hint_;
  return out;
}

}  // namespace millrace
