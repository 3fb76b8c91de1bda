#include "core/error_json.h"

namespace millrace {
namespace {

Code code_of(std::string_view name) {
  for (int i = 0; i < static_cast<int>(Code::internal); ++i)
    if (name_of(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  return Code::internal;
}

}  // namespace

Json to_json(const Error& error) {
  Json out{{"code", std::string(name_of(error.code()))}, {"detail", error.message()}};
  if (!error.hint().empty()) out["hint"] = error.hint();
  if (!error.doing().empty()) out["doing"] = error.doing();
  const auto& where = error.where();
  if (!where.empty())
    out["where"] = {{"file", where.file}, {"line", where.line}, {"column", where.column}, {"field", where.field}};
  return out;
}

Error error_of_json(const Json& value) {
  Error error{code_of(string_or(value, "code", "internal")), string_or(value, "detail", "no reason was given")};
  error.hint(string_or(value, "hint", ""));
  if (const auto* where = find(value, "where"))
    error.at({.file = string_or(*where, "file", ""),
              .line = static_cast<int>(integer_or(*where, "line", 0)),
              .column = static_cast<int>(integer_or(*where, "column", 0)),
              .field = string_or(*where, "field", "")});
  if (const auto* doing = find(value, "doing"); doing != nullptr && doing->is_array())
    for (const auto& each : *doing)
      if (each.is_string()) error.while_doing(each.get<std::string>());
  return error;
}

}  // namespace millrace
