#include "api/http.h"

namespace millrace::api {

std::string_view name_of(Permission permission) {
  switch (permission) {
    case Permission::open: return "open";
    case Permission::read: return "reader";
    case Permission::write: return "writer";
    case Permission::approve: return "approver";
    case Permission::admin: return "admin";
  }
  return "admin";
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

std::string_view Request::header(std::string_view lower_name) const {
  for (const auto& [key, value] : headers)
    if (key == lower_name) return value;
  return {};
}

const std::string& Request::arg(const std::string& name) const {
  const auto found = args.find(name);
  if (found == args.end()) std::abort();  // the route's own pattern names it
  return found->second;
}

}  // namespace millrace::api
