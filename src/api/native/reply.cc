#include "api/native/reply.h"

#include <charconv>

#include <fmt/format.h>

namespace millrace::api::native {
namespace {

Result<int64_t> integer_of(std::string_view text, std::string_view name) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return Error{Code::invalid, fmt::format("'{}' must be a whole number, not '{}'", name, text.substr(0, 64))}
        .at_field(std::string(name));
  return value;
}

}  // namespace

Result<Json> read_object(const Request& request, std::initializer_list<std::string_view> known) {
  if (request.body.empty()) return Json(Json::object());
  MILLRACE_TRY(auto body, parse_json(request.body, "request body"));
  if (!body.is_object()) return Error{Code::invalid, "the body must be a JSON object"}.at({.file = "request body"});
  const std::vector<std::string> names(known.begin(), known.end());
  for (const auto& [key, value] : body.items()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    const auto near = did_you_mean(key, names);
    return Error{Code::invalid, fmt::format("unknown field '{}'", key)}.at_field(key).hint(
        near ? fmt::format("did you mean '{}'?", *near) : fmt::format("known fields: {}", fmt::join(names, ", ")));
  }
  return body;
}

Result<int64_t> arg_integer(const Request& request, const std::string& name) {
  return integer_of(request.arg(name), name);
}

Result<int64_t> query_integer(const Request& request, std::string_view name, int64_t otherwise) {
  const auto text = request.query_value(name);
  return text ? integer_of(*text, name) : Result<int64_t>(otherwise);
}

Result<Micros> query_time(const Request& request, std::string_view name) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return Micros{0};
  auto time = parse_time(*text);
  if (!time) return std::move(time).error().at_field(std::string(name));
  return time;
}

Reply answer(const Request& request, const std::function<Result<Json>()>& work, int status) {
  const auto value = work();
  return value ? Reply::json(*value, status) : problem(value.error(), request.caller.request_id);
}

}  // namespace millrace::api::native
