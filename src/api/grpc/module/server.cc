#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <fmt/format.h>

#include "api/grpc/entry.h"
#include "api/grpc/module/service.h"
#include "api/server.h"
#include "core/limits.h"
#include "core/limits/grpc_limits.h"

namespace millrace::api::rpc {
namespace {

void add_limits(::grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::inference_body_bytes));
  builder.SetMaxSendMessageSize(-1);
  // gRPC inflates a message without a bound, so none may come compressed.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  for (const auto algorithm : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP})
    builder.SetCompressionAlgorithmSupportStatus(algorithm, false);
  // Without this a second server could share the port unnoticed.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits::grpc_concurrent_calls);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(limits::http_header_bytes));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, limits::grpc_keepalive_ms);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, limits::grpc_keepalive_timeout_ms);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, limits::grpc_ping_interval_ms);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, limits::grpc_ping_strikes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, limits::grpc_idle_ms);
  ::grpc::ResourceQuota quota("millrace");
  quota.Resize(limits::grpc_buffers_bytes);
  builder.SetResourceQuota(quota);
}

class GrpcServer final : public Server {
 public:
  GrpcServer(const ServerOptions& options, const ServerParts& parts) : service_(options, parts) {}
  ~GrpcServer() override { drain(0); }

  Result<void> listen(const std::string& address) {
    MILLRACE_TRY(const auto where, parse_host_port(address));
    const std::string host = where.host.find(':') == std::string::npos ? where.host : "[" + where.host + "]";
    ::grpc::ServerBuilder builder;
    add_limits(builder);
    int port = 0;
    builder.AddListeningPort(fmt::format("{}:{}", host, where.port), ::grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (!server_ || port == 0)
      return Error{Code::conflict, fmt::format("cannot listen on {}: the port is taken or may not be used", address)}
          .hint("give another port with --grpc HOST:PORT; port 0 takes a free one");
    address_ = fmt::format("{}:{}", host, port);
    return {};
  }

  std::string address() const override { return address_; }

  void drain(Micros patience) override {
    if (!server_ || drained_.exchange(true)) return;
    service_.end_streams();
    server_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_micros(patience, GPR_TIMESPAN)));
  }

  std::string metrics_text() const override { return service_.metrics_text(); }

 private:
  Service service_;
  std::string address_;
  std::atomic<bool> drained_{false};
  std::unique_ptr<::grpc::Server> server_;  // last: its threads use the service
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
  // Both would write lines of their own form among those of our log, as many as a client likes; what concerns a call is
  // in the call's status.
  gpr_set_log_function([](gpr_log_func_args*) {});
  google::protobuf::SetLogHandler(nullptr);
  auto server = std::make_unique<api::rpc::GrpcServer>(options, parts);
  if (auto listening = server->listen(options.address); !listening)
    out = std::move(listening).error();
  else
    out = std::unique_ptr<api::rpc::Server>(std::move(server));
}
