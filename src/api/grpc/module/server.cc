#include <google/protobuf/stubs/logging.h>
#include <unistd.h>

#include <fmt/format.h>

#include "api/front/listener.h"
#include "api/grpc/entry.h"
#include "api/grpc/module/connection.h"

namespace millrace::api::rpc {
namespace {

class GrpcServer final : public Server {
 public:
  GrpcServer(const ServerOptions& options, const ServerParts& parts) : service_(options, parts), shared_(service_) {}

  // Workers may still have answers for the loops, and those hold connections.
  ~GrpcServer() override {
    drain(0);
    for (auto& thread : threads_) thread->loop.stop();
    for (auto& thread : threads_)
      if (thread->thread.joinable()) thread->thread.join();
    service_.finish();
    for (auto& thread : threads_) thread->connections.clear();
  }

  Result<void> listen(const ServerOptions& options) {
    for (auto& thread : threads_) MILLRACE_DO(thread->loop.open());
    MILLRACE_TRY(auto listening, front::listen_tcp(options.address, options.listening, "--grpc"));
    address_ = std::move(listening.address);
    MILLRACE_DO(listener_.begin(listening.descriptor));
    for (auto& each : threads_) {
      NetworkThread& thread = *each;
      thread.loop.after_events([&thread] { Connection::answer_gathered(thread); });
      thread.loop.on_beat([this, &thread] {
        if (&thread == &home()) listener_.resume();
        const Micros now = service_.now();
        for (const auto& connection : connections_of(thread)) connection->beat(now);
      });
      thread.thread = std::thread([&thread] { thread.loop.run(); });
    }
    return {};
  }

  std::string address() const override { return address_; }

  void drain(Micros patience) override {
    if (!shared_.open.drain()) return;
    home().loop.post([this] { listener_.close(); });
    for (auto& each : threads_)
      each->loop.post([thread = each.get()] {
        for (const auto& connection : connections_of(*thread)) connection->drain();
      });
    shared_.open.wait_for_none(patience);
  }

  std::string metrics_text() const override { return service_.metrics_text(); }

 private:
  static std::vector<std::unique_ptr<NetworkThread>> network_threads() {
    std::vector<std::unique_ptr<NetworkThread>> out(front::default_threads());
    for (auto& thread : out) thread = std::make_unique<NetworkThread>();
    return out;
  }

  NetworkThread& home() { return *threads_.front(); }

  // A copy: those that end leave the table.
  static std::vector<std::shared_ptr<Connection>> connections_of(const NetworkThread& thread) {
    std::vector<std::shared_ptr<Connection>> out;
    out.reserve(thread.connections.size());
    for (const auto& [connection, held] : thread.connections) out.push_back(held);
    return out;
  }

  void take(const front::Incoming& in) {
    if (!shared_.open.enter()) {
      ::close(in.descriptor);
      return;
    }
    auto& thread = *threads_[next_++ % threads_.size()];
    auto connection = std::make_shared<Connection>(in.descriptor, in.loopback, shared_, thread);
    if (&thread == &home()) return connection->start();
    thread.loop.post([connection = std::move(connection)] { connection->start(); });
  }

  Service service_;
  Shared shared_;
  const std::vector<std::unique_ptr<NetworkThread>> threads_ = network_threads();
  size_t next_ = 0;  // of the first thread
  std::string address_;
  front::Listener listener_{home().loop, [this](const front::Incoming& in) { take(in); }};
};

}  // namespace
}  // namespace millrace::api::rpc

extern "C" [[gnu::visibility("default")]] void millrace_grpc_start(
    const char* version, const millrace::api::rpc::ServerOptions& options, const millrace::api::rpc::ServerParts& parts,
    millrace::Result<std::unique_ptr<millrace::api::rpc::Server>>& out) {
  using namespace millrace;
  if (std::string_view(version) != MILLRACE_VERSION) {
    out = Error{Code::unavailable,
                fmt::format("the gRPC library is of version {}, the program of {}", MILLRACE_VERSION, version)}
              .hint("install both from one build");
    return;
  }
  // It would write lines of its own form among those of our log, as many as a client likes; what concerns a call is in
  // the call's status.
  google::protobuf::SetLogHandler(nullptr);
  auto server = std::make_unique<api::rpc::GrpcServer>(options, parts);
  if (auto listening = server->listen(options); !listening)
    out = std::move(listening).error();
  else
    out = std::unique_ptr<api::rpc::Server>(std::move(server));
}
