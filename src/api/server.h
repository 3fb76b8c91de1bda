// The HTTP/1.1 server: TCP and the state folder's Unix socket, limits on everything. Event loops over epoll (front/);
// Boost.Beast's parser reads the heads.
#pragma once
#include <memory>
#include <string>

#include "api/dispatch.h"

namespace millrace::api {

struct ServerOptions {
  std::string tcp;             // "127.0.0.1:8080", "[::1]:0", "" = no TCP; port 0 takes a free one
  int listening = -1;          // a socket that listens at `tcp` already: taken over
  std::string unix_socket;     // path, "" = none; mode 0600
  std::string temp_folder;     // for spooled uploads
  std::string local_subject;   // "local:<user>"
  bool require_login = false;  // over TCP nobody is this machine's user: all need a token
  int network_threads = 0;     // 0: front::default_threads()
  int worker_threads = 8;
};

class Server {
 public:
  // Listens; answers once start() has returned. `conflict` when the port is taken, `denied` when it may not be used.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, const Dispatcher& dispatcher);
  virtual ~Server() = default;
  virtual std::string address() const = 0;  // "127.0.0.1:43121", "" without TCP
  // Takes no new connections, finishes requests under way (at most `patience`), closes.
  virtual void drain(Micros patience) = 0;
};

// Reads "HOST:PORT"; the host is an address or "localhost".
struct HostPort {
  std::string host;
  uint16_t port = 0;
  bool loopback = false;
};
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace millrace::api
