// The gRPC front of the Open Inference Protocol on a port of its own. What it is made of (gRPC, protocol buffers and
// all that they draw in) lies in a shared library beside the program, libmillrace_grpc.so, that is loaded by the first
// start(): whoever does not ask for gRPC pays nothing for it.
#pragma once
#include <memory>
#include <string>

#include "api/dispatch.h"
#include "core/context.h"
#include "serve/data_plane.h"

namespace millrace::api::rpc {

struct ServerOptions {
  std::string address;         // "127.0.0.1:8001", "[::1]:0"; port 0 takes a free one
  std::string local_subject;   // "local:<user>": who calls from this machine without a token
  bool require_login = false;  // nobody is: all need a token
  int listening = -1;          // a socket that listens there already
};

// What the server stands on; all of it must outlive it.
struct ServerParts {
  serve::DataPlane& plane;
  const Dispatcher& dispatcher;  // says who calls and what they may do, as for HTTP
  Context& context;
};

// Thread-safe.
class Server {
 public:
  // Listens; answers once start() has returned. `unavailable` when the library is missing or does not fit, `conflict`
  // when the port is taken or may not be used.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, const ServerParts& parts);
  virtual ~Server() = default;
  virtual std::string address() const = 0;  // "127.0.0.1:43121"
  // Takes no new calls, finishes those under way (at most `patience`), ends streams after the answer they are at.
  virtual void drain(Micros patience) = 0;
  virtual std::string metrics_text() const = 0;  // Prometheus text
};

}  // namespace millrace::api::rpc
