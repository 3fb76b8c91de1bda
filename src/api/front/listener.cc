#include "api/front/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "api/server.h"

namespace millrace::api::front {
namespace {

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

Error cannot(std::string_view doing, std::string_view where, std::string_view option) {
  const Code code = errno == EADDRINUSE                 ? Code::conflict
                    : errno == EACCES || errno == EPERM ? Code::denied
                                                        : Code::unavailable;
  return Error{code, fmt::format("cannot {} {}: {}", doing, where, std::strerror(errno))}.hint(
      fmt::format("give another port with {} HOST:PORT; port 0 takes a free one", option));
}

}  // namespace

Result<void> Listener::begin(int descriptor) {
  descriptor_ = descriptor;
  return loop_.watch(descriptor_, EPOLLIN, *this);
}

void Listener::close() {
  if (descriptor_ < 0) return;
  loop_.unwatch(descriptor_);
  ::close(descriptor_);
  descriptor_ = -1;
}

void Listener::resume() {
  if (paused_ && descriptor_ >= 0 && loop_.watch(descriptor_, EPOLLIN, *this)) paused_ = false;
}

void Listener::on_events(uint32_t) {
  while (descriptor_ >= 0) {
    Address from{};
    socklen_t size = sizeof from;
    const int taken = ::accept4(descriptor_, &from.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (taken >= 0) {
      const int on = 1;
      if (from.any.sa_family == AF_INET || from.any.sa_family == AF_INET6)
        ::setsockopt(taken, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      take_({.descriptor = taken, .loopback = is_loopback(from), .address = address_of(from)});
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return;
    // Out of descriptors: wait a little rather than spin.
    loop_.unwatch(descriptor_);
    paused_ = true;
    loop_.beat_soon();
    return;
  }
}

Result<Listening> listen_tcp(const std::string& where, int given, std::string_view option) {
  MILLRACE_TRY(const auto place, parse_host_port(where));
  Address address{};
  socklen_t size = 0;
  if (::inet_pton(AF_INET, place.host.c_str(), &address.v4.sin_addr) == 1) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(place.port);
    size = sizeof address.v4;
  } else if (::inet_pton(AF_INET6, place.host.c_str(), &address.v6.sin6_addr) == 1) {
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(place.port);
    size = sizeof address.v6;
  }
  const int descriptor =
      given >= 0 ? given : ::socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (descriptor < 0) return cannot("open", where, option);
  const bool listens = given >= 0
                           ? ::fcntl(given, F_SETFL, O_NONBLOCK) == 0
                           : ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                                 ::bind(descriptor, &address.any, size) == 0 && ::listen(descriptor, SOMAXCONN) == 0;
  const bool bound = listens && ::getsockname(descriptor, &address.any, &size) == 0;
  if (!bound) {
    auto error = cannot("listen on", where, option);
    ::close(descriptor);
    return error;
  }
  const int port = ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
  return Listening{descriptor, address.any.sa_family == AF_INET ? fmt::format("{}:{}", place.host, port)
                                                                : fmt::format("[{}]:{}", place.host, port)};
}

Result<int> listen_unix(const std::string& path) {
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
  return descriptor;
}

}  // namespace millrace::api::front
