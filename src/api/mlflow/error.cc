#include "api/mlflow/error.h"

#include <string>

#include "api/status.h"

namespace millrace::api::mlflow {
namespace {

std::string message_of(const Error& error) {
  std::string text = error.message();
  if (const auto& where = error.where(); !where.empty()) text += " (at " + where.text() + ")";
  if (!error.hint().empty()) text += (text.ends_with(".") ? " Hint: " : ". Hint: ") + error.hint();
  return text;
}

}  // namespace

Reply error_reply(int status, std::string_view code, std::string_view message) {
  return Reply::json({{"error_code", std::string(code)}, {"message", std::string(message)}}, status);
}

Reply error_reply(const Error& error) {
  return error_reply(http_status(error.code()), mlflow_code(error.code()), message_of(error));
}

Reply creation_error(const Error& error) {
  return error.code() == Code::conflict ? error_reply(400, "RESOURCE_ALREADY_EXISTS", message_of(error))
                                        : error_reply(error);
}

}  // namespace millrace::api::mlflow
