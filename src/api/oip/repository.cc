#include "api/oip/repository.h"

#include <fmt/format.h>

#include "api/oip/answer.h"

namespace millrace::api::oip {
namespace {
using serve::DataPlane;

// A body of at most the keys that are known; no body is {}.
Result<Json> read_body(const Request& in, std::string_view known) {
  if (in.body.empty()) return Json::object();
  MILLRACE_TRY(auto body, parse_json(in.body, "body"));
  if (!body.is_object()) return Error{Code::invalid, "an object is expected"}.at_field("body");
  for (const auto& [key, unused] : body.items())
    if (key != known)
      return Error{Code::invalid, "the protocol has no such field here"}
          .at_field(key.substr(0, limits::name_bytes))
          .hint(fmt::format("'{}' is known", known));
  return body;
}

Result<void> check_parameters(const Request& in, std::string_view allowed) {
  MILLRACE_TRY(const auto body, read_body(in, "parameters"));
  const Json* parameters = find(body, "parameters");
  if (parameters == nullptr || parameters->is_null()) return {};
  if (!parameters->is_object()) return Error{Code::invalid, "an object is expected"}.at_field("parameters");
  for (const auto& [key, value] : parameters->items()) {
    if (key == allowed && value.is_boolean()) continue;
    const auto at = "parameters." + key.substr(0, limits::name_bytes);
    if (key == allowed) return Error{Code::invalid, "true or false is expected"}.at_field(at);
    if (key == "config" || key.starts_with("file:"))
      return Error{Code::invalid, "models and their configuration do not come with requests"}.at_field(at).hint(
          "replace the file that the server was started with, then load the model");
    return Error{Code::invalid, "this parameter is not known"}.at_field(at);
  }
  return {};
}

}  // namespace

Reply index(const DataPlane& plane, const Request& in) {
  const auto body = read_body(in, "ready");
  if (!body) return error_answer(body.error());
  const Json* ready = find(*body, "ready");
  if (ready != nullptr && !ready->is_boolean())
    return error_answer(Error{Code::invalid, "true or false is expected"}.at_field("ready"));
  Json out = Json::array();
  for (const auto& model : plane.models())
    if (model.ready || ready == nullptr || !ready->get<bool>())
      out.push_back({{"name", model.name},
                     {"version", model.version},
                     {"state", model.ready ? "READY" : "UNAVAILABLE"},
                     {"reason", model.reason}});
  return Reply::json(out);
}

Reply load(DataPlane& plane, const Request& in) {
  auto done = check_parameters(in, "");
  if (done) done = plane.load_model(in.arg("model"));
  return done ? Reply::empty() : error_answer(done.error());
}

// A model here depends on no other, so unload_dependents changes nothing.
Reply unload(DataPlane& plane, const Request& in) {
  auto done = check_parameters(in, "unload_dependents");
  if (done) done = plane.unload_model(in.arg("model"));
  return done ? Reply::empty() : error_answer(done.error());
}

}  // namespace millrace::api::oip
