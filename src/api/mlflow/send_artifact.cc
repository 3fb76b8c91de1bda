#include "api/mlflow/send_artifact.h"

#include "api/mlflow/error.h"
#include "api/ranges.h"

namespace millrace::api::mlflow {
namespace {

constexpr int kTries = 3;

std::string safe_name(std::string_view path) {
  std::string name(path.substr(path.rfind('/') + 1));
  for (auto& c : name)
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '_';
  return name;
}

}  // namespace

Reply send_artifact(const Request& request, const Services& services, const std::string& uri, const std::string& path) {
  const auto& tracking = services.tracking;
  for (int i = 0; i < kTries; ++i) {
    const auto found = tracking.find_artifact(request.caller, uri, path);
    if (!found) return error_reply(found.error());
    const auto etag = "\"" + (found->digest.empty() ? "state:" + found->stamp : found->digest) + "\"";
    const auto wanted = wanted_bytes(request, found->size, etag);
    auto reply = ranged_reply(wanted, found->size, etag);
    if (wanted.status != 200 && wanted.status != 206) return reply;
    auto opened = tracking.open_artifact(request.caller, uri, path, {wanted.offset, wanted.length});
    if (!opened && opened.error().code() == Code::conflict) continue;
    if (!opened) return error_reply(opened.error());
    if (opened->state.stamp != found->stamp) continue;  // replaced between the two
    reply.content_type = "application/octet-stream";
    // Browsers must never run what a run has left behind.
    reply.headers.emplace_back("content-disposition", "attachment; filename=\"" + safe_name(path) + "\"");
    reply.stream = std::move(opened->reader);
    reply.stream_size = static_cast<uint64_t>(wanted.length);
    return reply;
  }
  return error_reply(Error{Code::conflict, "the file is being replaced all the time"}.hint("try again"));
}

}  // namespace millrace::api::mlflow
