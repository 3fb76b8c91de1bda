#include "api/server.h"

#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <charconv>

#include <fmt/format.h>

#include "api/front/connection.h"
#include "api/front/listener.h"

namespace millrace::api {
namespace {

using front::Connection;
using front::NetworkThread;
using front::Shared;
using ErrorCode = boost::system::error_code;

class EpollServer final : public Server {
 public:
  EpollServer(const ServerOptions& options, const Dispatcher& dispatcher)
      : shared_(options, dispatcher), tcp_(home().loop, taker(false)), local_(home().loop, taker(true)) {}

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
    if (!shared_.open.drain()) return;  // whoever came first has waited
    shared_.threads.front()->loop.post([this] {
      tcp_.close();
      local_.close();
    });
    for (auto& each : shared_.threads)
      each->loop.post([thread = each.get()] {
        for (auto* connection : connections_of(*thread)) connection->end_when_idle();
      });
    shared_.open.wait_for_none(patience);
  }

 private:
  // A copy: those that end leave the table. None ends another.
  static std::vector<Connection*> connections_of(const NetworkThread& thread) {
    std::vector<Connection*> out;
    out.reserve(thread.connections.size());
    for (const auto& [connection, held] : thread.connections) out.push_back(connection);
    return out;
  }

  NetworkThread& home() { return *shared_.threads.front(); }

  // Deals connections out to the network threads in turn.
  front::Listener::Take taker(bool unix_peer) {
    return [this, unix_peer](front::Incoming in) {
      if (!shared_.open.enter()) {
        ::close(in.descriptor);
        return;
      }
      const Peer peer{.local = unix_peer || (in.loopback && !shared_.options.require_login),
                      .local_subject = shared_.options.local_subject,
                      .via = unix_peer ? "cli" : "native",
                      .address = std::move(in.address)};
      auto& thread = *shared_.threads[next_++ % shared_.threads.size()];
      auto connection = std::make_shared<Connection>(in.descriptor, peer, unix_peer, shared_, thread);
      if (&thread == &home()) return connection->start();
      thread.loop.post([connection = std::move(connection)] { connection->start(); });
    };
  }

  Result<void> listen_tcp() {
    MILLRACE_TRY(auto listening, front::listen_tcp(shared_.options.tcp, shared_.options.listening, "--http"));
    address_ = std::move(listening.address);
    return tcp_.begin(listening.descriptor);
  }

  Result<void> listen_local() {
    MILLRACE_TRY(const int descriptor, front::listen_unix(shared_.options.unix_socket));
    local_bound_ = true;
    return local_.begin(descriptor);
  }

  Shared shared_;
  size_t next_ = 0;  // of the first thread, once it runs
  front::Listener tcp_, local_;
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
