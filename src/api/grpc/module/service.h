// The methods of methods.h as a gRPC service of the callback API: says who calls, refuses, answers, counts, logs a
// line.
//
// Messages stay bytes until a handler reads them (gRPC's generated classes would turn a broken one into UNIMPLEMENTED
// or the end of a stream). Answers are made on gRPC's own threads; when the data plane may wait for disk, on workers.
#pragma once
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/grpc/module/methods.h"
#include "api/grpc/module/workers.h"
#include "api/grpc/server.h"

namespace millrace::api::rpc {

class Stream;

// Outlives the grpc::Server that it is registered with. Thread-safe.
class Service final : public ::grpc::Service {
 public:
  Service(const ServerOptions& options, const ServerParts& parts);
  ~Service() override;

  // Streams end after the answer they are at; new ones are refused.
  void end_streams();
  std::string metrics_text() const;

 private:
  friend class Stream;

  // A method with what the dispatcher wants to know of it.
  struct Entry {
    const Method& method;
    std::string path;  // "/inference.GRPCInferenceService/ModelInfer"
    Route route;
  };

  // Who sends a message, and when it came (steady clock).
  struct Asker {
    Caller caller;
    const ::grpc::CallbackServerContext* context = nullptr;  // its metadata; lives as long as the call
    Micros arrived = 0;
  };

  ::grpc::ServerUnaryReactor* unary(const Entry& entry, ::grpc::CallbackServerContext& context,
                                    const ::grpc::ByteBuffer& in, ::grpc::ByteBuffer& out);
  ::grpc::ServerBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer>* stream(const Entry& entry,
                                                                            ::grpc::CallbackServerContext& context);
  Result<Asker> admit(const Entry& entry, const ::grpc::CallbackServerContext& context) const;
  bool waits(const Method& method) const {
    return method.waits == Waits::always || (method.waits == Waits::with_the_log && parts_.plane.waits_for_disk());
  }
  Micros now() const { return parts_.context.clock.steady(); }
  // On a worker. A failure: too many wait, and it is not run.
  std::optional<Failure> post(std::function<void()> task);
  // One message of a caller; logged and counted.
  std::optional<Failure> answer(const Entry& entry, const Asker& asker, const ::grpc::ByteBuffer& in,
                                ::grpc::ByteBuffer& out);
  void note(const Entry& entry, const Caller& caller, ::grpc::StatusCode status, size_t bytes, Micros began);

  Result<void> enter(const std::shared_ptr<Stream>& stream);
  void leave();

  const ServerOptions options_;
  const ServerParts parts_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::array<std::atomic<uint64_t>, 17> by_status_ = {};

  std::mutex mutex_;  // guards the next three
  std::vector<std::weak_ptr<Stream>> streams_;
  size_t open_ = 0;
  bool ending_ = false;
  Workers workers_;  // last: its tasks use the others
};

// The status of a failure; its details go into the trailing metadata.
::grpc::Status status_of(const Failure& failure, const Caller& caller, ::grpc::CallbackServerContext& context);

}  // namespace millrace::api::rpc
