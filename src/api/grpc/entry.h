// The one symbol that the program takes from libmillrace_grpc.so. Both are built from one tree; the version is
// compared.
#pragma once
#include "api/grpc/server.h"

namespace millrace::api::rpc {

inline constexpr const char* kEntry = "millrace_grpc_start";
using StartFunction = void(const char* version, const ServerOptions& options, const ServerParts& parts,
                           Result<std::unique_ptr<Server>>& out);

}  // namespace millrace::api::rpc
