#include "api/status.h"

namespace millrace::api {
namespace {

struct Entry {
  Code code;
  int http;
  int exit;
  std::string_view grpc;
  std::string_view mlflow;
};

constexpr Entry kTable[] = {
#define MILLRACE_STATUS(code, http, exit, grpc, mlflow) {Code::code, http, exit, #grpc, #mlflow},
#include "api/status_table.inc"
#undef MILLRACE_STATUS
};

const Entry& entry(Code code) {
  for (const auto& each : kTable)
    if (each.code == code) return each;
  return kTable[std::size(kTable) - 1];
}

}  // namespace

int http_status(Code code) { return entry(code).http; }
int exit_status(Code code) { return entry(code).exit; }
std::string_view grpc_status(Code code) { return entry(code).grpc; }
std::string_view mlflow_code(Code code) { return entry(code).mlflow; }

Code code_of_name(std::string_view name) {
  for (const auto& each : kTable)
    if (name_of(each.code) == name) return each.code;
  return Code::internal;
}

Reply problem(const Error& error, std::string_view request_id) {
  Json body{{"type", "about:blank"}, {"title", std::string(name_of(error.code()))}, {"status", http_status(error.code())},
            {"code", std::string(name_of(error.code()))}, {"detail", error.message()}, {"request_id", std::string(request_id)}};
  if (!error.hint().empty()) body["hint"] = error.hint();
  if (!error.doing().empty()) body["doing"] = error.doing();
  if (!error.where().empty())
    body["where"] = {{"file", error.where().file}, {"line", error.where().line}, {"column", error.where().column}, {"field", error.where().field}};
  auto reply = Reply::json(body, http_status(error.code()));
  reply.content_type = "application/problem+json";
  return reply;
}

Error error_of_problem(const Json& problem) {
  Error error{code_of_name(string_or(problem, "code", "internal")), string_or(problem, "detail", "the server gave no reason")};
  error.hint(string_or(problem, "hint", ""));
  if (const auto* where = find(problem, "where"))
    error.at({.file = string_or(*where, "file", ""), .line = static_cast<int>(integer_or(*where, "line", 0)),
              .column = static_cast<int>(integer_or(*where, "column", 0)), .field = string_or(*where, "field", "")});
  if (const auto* doing = find(problem, "doing"); doing != nullptr && doing->is_array())
    for (const auto& each : *doing)
      if (each.is_string()) error.while_doing(each.get<std::string>());
  return error;
}

}  // namespace millrace::api
