#include "api/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "api/front/connection.h"
#include "core/limits.h"

namespace millrace::api {
namespace {

using front::Connection;
using front::NetworkThread;
using front::Shared;
using ErrorCode = boost::system::error_code;

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un local;
};

bool is_loopback(const Address& address) {
  if (address.any.sa_family == AF_INET) return (ntohl(address.v4.sin_addr.s_addr) >> 24) == 127;
  if (address.any.sa_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
  return false;
}

std::string address_of(const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.any.sa_family == AF_INET) ::inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text);
  if (address.any.sa_family == AF_INET6) ::inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text);
  return text;
}

// Takes connections and deals them out to the network threads in turn.
class Listener final : public front::Watcher {
 public:
  Listener(Shared& shared, size_t& next) : shared_(shared), next_(next) {}
  ~Listener() override { close(); }

  Result<void> begin(int descriptor, bool unix_peer) {
    descriptor_ = descriptor;
    unix_ = unix_peer;
    return watch();
  }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  void resume() {
    if (paused_ && descriptor_ >= 0 && watch()) paused_ = false;
  }

  void on_events(uint32_t) override {
    while (descriptor_ >= 0) {
      Address from{};
      socklen_t size = sizeof from;
      const int taken = ::accept4(descriptor_, &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (taken >= 0) {
        take(taken, from);
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      // Out of descriptors: wait a little rather than spin.
      home().loop.unwatch(descriptor_);
      paused_ = true;
      home().loop.beat_soon();
      return;
    }
  }

 private:
  NetworkThread& home() { return *shared_.threads.front(); }
  Result<void> watch() { return home().loop.watch(descriptor_, EPOLLIN, *this); }

  void take(int descriptor, const Address& from) {
    if (!shared_.enter()) {
      ::close(descriptor);
      return;
    }
    if (!unix_) {
      const int on = 1;
      ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    const Peer peer{.local = unix_ || (is_loopback(from) && !shared_.options.require_login),
                    .local_subject = shared_.options.local_subject,
                    .via = unix_ ? "cli" : "native",
                    .address = address_of(from)};
    auto& thread = *shared_.threads[next_++ % shared_.threads.size()];
    auto connection = std::make_shared<Connection>(descriptor, peer, unix_, shared_, thread);
    if (&thread == &home()) return connection->start();
    thread.loop.post([connection = std::move(connection)] { connection->start(); });
  }

  Shared& shared_;
  size_t& next_;
  int descriptor_ = -1;
  bool unix_ = false, paused_ = false;
};

class EpollServer final : public Server {
 public:
  EpollServer(const ServerOptions& options, const Dispatcher& dispatcher)
      : shared_(options, dispatcher), tcp_(shared_, next_), local_(shared_, next_) {}

  ~EpollServer() override {
    drain(0);
    for (auto& thread : shared_.threads) thread->loop.stop();
    for (auto& thread : shared_.threads)
      if (thread->thread.joinable()) thread->thread.join();
    shared_.workers.stop();
    shared_.workers.join();
    for (auto& thread : shared_.threads) thread->connections.clear();
    if (local_bound_) ::unlink(shared_.options.unix_socket.c_str());
  }

  Result<void> listen() {
    for (auto& thread : shared_.threads) MILLRACE_DO(thread->loop.open());
    if (!shared_.options.tcp.empty()) MILLRACE_DO(listen_tcp());
    if (!shared_.options.unix_socket.empty()) MILLRACE_DO(listen_local());
    for (auto& each : shared_.threads) {
      NetworkThread& thread = *each;
      const bool first = &thread == shared_.threads.front().get();
      thread.loop.after_events([&thread] { front::Connection::answer_gathered(thread); });
      thread.loop.on_beat([this, &thread, first] {
        if (first) tcp_.resume(), local_.resume();
        const auto now = front::EventLoop::Clock::now();
        for (auto* connection : connections_of(thread)) connection->end_when_late(now);
      });
      thread.thread = std::thread([&thread] { thread.loop.run(); });
    }
    return {};
  }

  std::string address() const override { return address_; }

  void drain(Micros patience) override {
    if (shared_.draining.exchange(true)) return;  // whoever came first has waited
    shared_.threads.front()->loop.post([this] {
      tcp_.close();
      local_.close();
    });
    for (auto& each : shared_.threads)
      each->loop.post([thread = each.get()] {
        for (auto* connection : connections_of(*thread)) connection->end_when_idle();
      });
    std::unique_lock lock(shared_.mutex);
    shared_.emptied.wait_for(lock, std::chrono::microseconds(patience), [&] { return shared_.open == 0; });
  }

 private:
  // A copy: those that end leave the table. None ends another.
  static std::vector<Connection*> connections_of(const NetworkThread& thread) {
    std::vector<Connection*> out;
    out.reserve(thread.connections.size());
    for (const auto& [connection, held] : thread.connections) out.push_back(connection);
    return out;
  }

  Result<void> listen_tcp() {
    MILLRACE_TRY(const auto where, parse_host_port(shared_.options.tcp));
    Address address{};
    socklen_t size = 0;
    if (::inet_pton(AF_INET, where.host.c_str(), &address.v4.sin_addr) == 1) {
      address.v4.sin_family = AF_INET;
      address.v4.sin_port = htons(where.port);
      size = sizeof address.v4;
    } else if (::inet_pton(AF_INET6, where.host.c_str(), &address.v6.sin6_addr) == 1) {
      address.v6.sin6_family = AF_INET6;
      address.v6.sin6_port = htons(where.port);
      size = sizeof address.v6;
    }
    const int given = shared_.options.listening;
    const int descriptor =
        given >= 0 ? given : ::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (descriptor < 0) return cannot("open");
    const bool listens = given >= 0
                             ? ::fcntl(given, F_SETFL, O_NONBLOCK) == 0
                             : ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                                   ::bind(descriptor, &address.any, size) == 0 && ::listen(descriptor, SOMAXCONN) == 0;
    const bool bound = listens && ::getsockname(descriptor, &address.any, &size) == 0;
    if (!bound) {
      auto error = cannot("listen on");
      ::close(descriptor);
      return error;
    }
    const int port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
    address_ = address.any.sa_family == AF_INET ? fmt::format("{}:{}", where.host, port)
                                                : fmt::format("[{}]:{}", where.host, port);
    return tcp_.begin(descriptor, false);
  }

  Error cannot(std::string_view doing) const {
    const Code code = errno == EADDRINUSE                 ? Code::conflict
                      : errno == EACCES || errno == EPERM ? Code::denied
                                                          : Code::unavailable;
    return Error{code, fmt::format("cannot {} {}: {}", doing, shared_.options.tcp, std::strerror(errno))}.hint(
        "give another port with --http HOST:PORT; port 0 takes a free one");
  }

  Result<void> listen_local() {
    const auto& path = shared_.options.unix_socket;
    Address address{};
    if (path.size() >= sizeof address.local.sun_path)
      return Error{Code::invalid, "the path of the socket is longer than 107 bytes"}
          .at({.file = path})
          .hint("give a state folder with a shorter path: --state DIR");
    ::unlink(path.c_str());  // ours: the lock file says that no owner lives
    address.local.sun_family = AF_UNIX;
    path.copy(address.local.sun_path, path.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const auto before = ::umask(0177);
    const bool bound = descriptor >= 0 && ::bind(descriptor, &address.any, sizeof address.local) == 0;
    ::umask(before);
    if (!bound || ::listen(descriptor, 64) != 0) {
      const int number = errno;
      if (descriptor >= 0) ::close(descriptor);
      return Error{Code::unavailable, fmt::format("cannot listen on the socket: {}", std::strerror(number))}.at(
          {.file = path});
    }
    local_bound_ = true;
    return local_.begin(descriptor, true);
  }

  Shared shared_;
  size_t next_ = 0;  // of the first thread, once it runs
  Listener tcp_, local_;
  bool local_bound_ = false;
  std::string address_;
};

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const auto refuse = [&] {
    return Error{Code::invalid, fmt::format("'{}' is not HOST:PORT", text.substr(0, 100))}.hint(
        "e.g. 127.0.0.1:8080, [::1]:8080, or port 0 for a free one");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  HostPort out;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  ErrorCode error;
  const auto address = boost::asio::ip::make_address(out.host, error);
  const auto port = text.substr(colon + 1);
  const auto [end, bad] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error || bad != std::errc() || end != port.data() + port.size()) return refuse();
  out.loopback = address.is_loopback();
  return out;
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, const Dispatcher& dispatcher) {
  auto server = std::make_unique<EpollServer>(options, dispatcher);
  MILLRACE_DO(server->listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace millrace::api
