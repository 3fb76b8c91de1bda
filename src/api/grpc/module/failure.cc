#include "api/grpc/module/failure.h"

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "core/limits/grpc_limits.h"
#include "serve/arms/served.h"

namespace millrace::api::rpc {
namespace {

struct Entry {
  Code code;
  Status status;
};
constexpr Entry kTable[] = {
#define MILLRACE_STATUS(code, http, exit, status, mlflow) {Code::code, Status::status},
#include "api/status_table.inc"
#undef MILLRACE_STATUS
};

Status status_of(Code code) {
  for (const auto& each : kTable)
    if (each.code == code) return each.status;
  return Status::INTERNAL;
}

constexpr std::string_view kNames[kStatuses] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// Not in the middle of a character.
std::string shortened(std::string text) {
  if (text.size() <= limits::grpc_status_bytes) return text;
  size_t size = limits::grpc_status_bytes - 3;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size) + "...";
}

std::string printable(std::string_view text) { return encoded(text.substr(0, limits::grpc_detail_bytes)); }

}  // namespace

std::string_view name_of(Status status) { return kNames[static_cast<size_t>(status)]; }

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%')
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Failure failure_of(const Error& error) {
  Failure out{status_of(error.code()),
              shortened(error.text()),
              {{"millrace-code", std::string(millrace::name_of(error.code()))}}};
  if (!error.where().field.empty()) out.details.emplace_back("millrace-field", printable(error.where().field));
  return out;
}

Failure refusal_of(const serve::InferReply& reply) {
  const auto& refusal = *reply.refusal;
  return {Status::INVALID_ARGUMENT,
          shortened(fmt::format("the contract refuses row {}: {} (field {}, rule {}, prediction {})", refusal.row,
                                refusal.message, refusal.field, refusal.rule, reply.prediction_id)),
          {{"millrace-code", std::string(millrace::name_of(Code::rejected))},
           {"millrace-field", printable(refusal.field)},
           {"millrace-rule", printable(refusal.rule)},
           {"millrace-row", std::to_string(refusal.row)},
           {"millrace-prediction-id", reply.prediction_id},
           {"millrace-model-version", printable(reply.arm->version)},
           {"millrace-arm", printable(reply.arm->arm.name)}}};
}

}  // namespace millrace::api::rpc
