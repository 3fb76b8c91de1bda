// Why a call is not answered, as gRPC says it: a status, its text, and details for programs (trailing metadata).
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "api/grpc/module/status.h"
#include "core/error.h"
#include "serve/infer.h"

namespace millrace::api::rpc {

struct Failure {
  Status status;
  std::string text;                                          // at most limits::grpc_status_bytes, UTF-8
  std::vector<std::pair<std::string, std::string>> details;  // printable ASCII; what is not is %-escaped
};

Failure failure_of(const Error& error);
// The contract says no: INVALID_ARGUMENT with field, rule, row and prediction id.
Failure refusal_of(const serve::InferReply& reply);

// A text as a header carries it ("percent-encoding" of gRPC over HTTP/2).
std::string encoded(std::string_view text);

}  // namespace millrace::api::rpc
