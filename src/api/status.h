// What error codes become outside. The table is status_table.inc and nothing else knows these numbers.
#pragma once
#include <string_view>

#include "api/http.h"
#include "core/error.h"

namespace millrace::api {

int http_status(Code code);
int exit_status(Code code);
std::string_view grpc_status(Code code);
std::string_view mlflow_code(Code code);

// RFC 9457 problem details: {type, title, status, detail, code, where, hint, request_id}.
Reply problem(const Error& error, std::string_view request_id);

}  // namespace millrace::api
