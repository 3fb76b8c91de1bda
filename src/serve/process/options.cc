#include "serve/process/options.h"

#include <fmt/format.h>

namespace millrace::serve::process {

std::string_view name_of(Isolation isolation) { return isolation == Isolation::process ? "process" : "in_process"; }

std::optional<Isolation> find_isolation(std::string_view name) {
  for (const auto each : {Isolation::in_process, Isolation::process})
    if (name == name_of(each)) return each;
  return std::nullopt;
}

Result<Isolation> read_isolation(const std::string& text, const std::string& field) {
  if (const auto found = find_isolation(text)) return *found;
  return Error{Code::invalid, fmt::format("'{}' is no isolation of a model", text.substr(0, 100))}.at_field(field).hint(
      "in_process (in the server, after a trial in a child) or process (in a process of its own)");
}

}  // namespace millrace::serve::process
