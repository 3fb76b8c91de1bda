#include "api/status.h"

#include "core/error_json.h"

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

Reply problem(const Error& error, std::string_view request_id) {
  Json body = to_json(error);
  body["type"] = "about:blank";
  body["title"] = std::string(name_of(error.code()));
  body["status"] = http_status(error.code());
  body["request_id"] = std::string(request_id);
  auto reply = Reply::json(body, http_status(error.code()));
  reply.content_type = "application/problem+json";
  return reply;
}

}  // namespace millrace::api
