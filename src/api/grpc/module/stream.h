// One open ModelStreamInfer: a message is read, answered, the answer written, then the next one. Errors of requests are
// answers; the stream ends when the client has said all, when it is gone, or when the server stops.
#pragma once
#include <memory>
#include <mutex>

#include "api/grpc/module/service.h"

namespace millrace::api::rpc {

class Stream final : public ::grpc::ServerBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer> {
 public:
  Stream(Service& service, const Service::Entry& entry, ::grpc::CallbackServerContext& context, Service::Asker asker);

  // Keeps itself alive until gRPC is done with it. `refused`: it only says so.
  static Stream* start(std::shared_ptr<Stream> stream, std::optional<Failure> refused);
  void end();  // at once when nothing is being answered, else after that

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  void answer();
  void next();
  void finish(::grpc::Status status);

  Service& service_;
  const Service::Entry& entry_;
  ::grpc::CallbackServerContext& context_;
  Service::Asker asker_;
  std::shared_ptr<Stream> self_;
  bool counted_ = false;
  ::grpc::ByteBuffer in_, out_;

  std::mutex mutex_;  // guards the fields below
  bool answering_ = false, ending_ = false, finished_ = false;
};

}  // namespace millrace::api::rpc
