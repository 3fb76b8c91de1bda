#include "api/grpc/module/stream.h"

namespace millrace::api::rpc {
namespace {

::grpc::Status stopping() { return {::grpc::StatusCode::UNAVAILABLE, "the server is stopping"}; }

}  // namespace

Stream::Stream(Service& service, const Service::Entry& entry, ::grpc::CallbackServerContext& context,
               Service::Asker asker)
    : service_(service), entry_(entry), context_(context), asker_(std::move(asker)) {}

Stream* Stream::start(std::shared_ptr<Stream> stream, std::optional<Failure> refused) {
  auto* out = stream.get();
  out->self_ = std::move(stream);
  if (refused) {
    out->finish(status_of(*refused, out->asker_.caller, out->context_));
    return out;
  }
  if (auto entered = out->service_.enter(out->self_); !entered) {
    out->finish(status_of(failure_of(entered.error()), out->asker_.caller, out->context_));
    return out;
  }
  out->counted_ = true;
  out->StartRead(&out->in_);
  return out;
}

void Stream::finish(::grpc::Status status) {
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = true;
  }
  Finish(std::move(status));
}

void Stream::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (answering_) return;  // next() sees to it
  }
  finish(stopping());
}

void Stream::OnReadDone(bool ok) {
  if (!ok) return finish(::grpc::Status::OK);
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    answering_ = true;
  }
  asker_.arrived = service_.now();
  if (!service_.waits(entry_.method)) return answer();
  if (const auto refused = service_.post([this] { answer(); })) finish(status_of(*refused, asker_.caller, context_));
}

void Stream::answer() {
  if (context_.IsCancelled()) return finish(::grpc::Status::CANCELLED);
  out_.Clear();
  service_.answer(entry_, asker_, in_, out_);
  in_.Clear();
  StartWrite(&out_);
}

void Stream::OnWriteDone(bool ok) {
  if (!ok) return finish(::grpc::Status::CANCELLED);
  next();
}

void Stream::next() {
  bool over = false;
  {
    const std::lock_guard lock(mutex_);
    answering_ = false;
    over = ending_;
  }
  if (over) return finish(stopping());
  StartRead(&in_);
}

void Stream::OnDone() {
  if (counted_) service_.leave();
  const auto last = std::move(self_);
}

}  // namespace millrace::api::rpc
