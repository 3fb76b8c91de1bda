#include <dlfcn.h>

#include <fmt/format.h>

#include "api/grpc/entry.h"
#include "api/grpc/server.h"

namespace millrace::api::rpc {

// The library is never unloaded: gRPC's threads may outlive its servers.
Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, const ServerParts& parts) {
  const auto fail = [](const char* why) {
    return Error{Code::unavailable, fmt::format("gRPC cannot be had: {}", why != nullptr ? why : "unknown")}.hint(
        "libmillrace_grpc.so belongs beside the program; leave --grpc out to serve HTTP only");
  };
  void* library = ::dlopen("libmillrace_grpc.so", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(::dlerror());
  const auto entry = reinterpret_cast<StartFunction*>(::dlsym(library, kEntry));
  if (entry == nullptr) return fail(::dlerror());
  Result<std::unique_ptr<Server>> out = Error{Code::internal, "the gRPC library gave nothing"};
  entry(MILLRACE_VERSION, options, parts, out);
  return out;
}

}  // namespace millrace::api::rpc
