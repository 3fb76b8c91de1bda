// The status codes of gRPC, by their names and numbers there.
#pragma once
#include <string_view>

namespace millrace::api::rpc {

enum class Status {
  OK = 0,
  CANCELLED = 1,
  UNKNOWN = 2,
  INVALID_ARGUMENT = 3,
  DEADLINE_EXCEEDED = 4,
  NOT_FOUND = 5,
  ALREADY_EXISTS = 6,
  PERMISSION_DENIED = 7,
  RESOURCE_EXHAUSTED = 8,
  FAILED_PRECONDITION = 9,
  ABORTED = 10,
  OUT_OF_RANGE = 11,
  UNIMPLEMENTED = 12,
  INTERNAL = 13,
  UNAVAILABLE = 14,
  DATA_LOSS = 15,
  UNAUTHENTICATED = 16,
};
inline constexpr size_t kStatuses = 17;

std::string_view name_of(Status status);  // "INVALID_ARGUMENT"

}  // namespace millrace::api::rpc
