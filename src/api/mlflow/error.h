// Errors in the shape that MLflow's clients read: {"error_code", "message"}, with MLflow's own codes and statuses.
#pragma once
#include <string_view>

#include "api/http.h"
#include "core/error.h"

namespace millrace::api::mlflow {

Reply error_reply(const Error& error);
// For calls whose conflicts have a name of their own: RESOURCE_ALREADY_EXISTS (400) instead of RESOURCE_CONFLICT (409).
Reply creation_error(const Error& error);
Reply error_reply(int status, std::string_view code, std::string_view message);

// What a service answered, or its error: reply_of(result, [](const T& value) { return Json{...}; }).
template <class T, class ToJson>
Reply reply_of(const Result<T>& result, ToJson to_json) {
  return result ? Reply::json(to_json(*result)) : error_reply(result.error());
}
inline Reply reply_of(const Result<void>& result) {
  return result ? Reply::json(Json::object()) : error_reply(result.error());
}

}  // namespace millrace::api::mlflow
