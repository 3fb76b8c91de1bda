#include "api/grpc/module/service.h"

#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>

#include <fmt/format.h>

#include "api/grpc/module/stream.h"
#include "core/limits.h"
#include "core/limits/grpc_limits.h"

namespace millrace::api::rpc {
namespace {
using ::grpc::ByteBuffer;
using ::grpc::CallbackServerContext;

constexpr std::string_view kService = "/inference.GRPCInferenceService/";

std::string_view view(const ::grpc::string_ref& text) { return {text.data(), text.size()}; }

bool is_loopback(std::string_view peer) { return peer.starts_with("ipv4:127.") || peer.starts_with("ipv6:%5B::1%5D"); }

}  // namespace

Service::Service(const ServerOptions& options, const ServerParts& parts)
    : options_(options), parts_(parts), workers_(limits::grpc_workers, limits::inference_queue) {
  using ::grpc::internal::RpcMethod;
  using ::grpc::internal::RpcServiceMethod;
  int index = 0;
  for (const auto& method : methods()) {
    const std::string path = std::string(kService) + method.name;
    entries_.push_back(std::make_unique<Entry>(
        Entry{method, path,
              Route("POST", "/v2/grpc", method.permission, BodyLimit{limits::inference_body_bytes}, "none",
                    Run::inline_, nullptr, "")}));
    const Entry* const entry = entries_.back().get();
    AddMethod(new RpcServiceMethod(entry->path.c_str(),
                                   method.stream ? RpcMethod::BIDI_STREAMING : RpcMethod::NORMAL_RPC, nullptr));
    if (method.stream)
      MarkMethodRawCallback(index,
                            new ::grpc::internal::CallbackBidiHandler<ByteBuffer, ByteBuffer>(
                                [this, entry](CallbackServerContext* context) { return stream(*entry, *context); }));
    else
      MarkMethodRawCallback(index, new ::grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(
                                       [this, entry](CallbackServerContext* context, const ByteBuffer* in,
                                                     ByteBuffer* out) { return unary(*entry, *context, *in, *out); }));
    ++index;
  }
}

Service::~Service() = default;

Result<Service::Asker> Service::admit(const Entry& entry, const CallbackServerContext& context) const {
  Asker out{.context = &context, .arrived = parts_.context.clock.steady()};
  Request head;
  head.path = entry.route.pattern;
  const auto& metadata = context.client_metadata();
  for (const char* name : {"authorization", "x-request-id", "x-mlflow-workspace"})
    if (const auto found = metadata.find(name); found != metadata.end())
      head.headers.emplace_back(name, std::string(view(found->second)));
  const Peer peer{.local = !options_.require_login && is_loopback(context.peer()),
                  .local_subject = options_.local_subject};
  MILLRACE_DO(parts_.dispatcher.admit(entry.route, head, peer));
  out.caller = std::move(head.caller);
  return out;
}

std::optional<Failure> Service::post(std::function<void()> task) {
  if (workers_.post(std::move(task))) return std::nullopt;
  return failure_of(
      Error{Code::unavailable, fmt::format("{} calls wait, which is the limit", limits::inference_queue)}.hint(
          "try again in a second"));
}

std::optional<Failure> Service::answer(const Entry& entry, const Asker& asker, const ByteBuffer& in, ByteBuffer& out) {
  const auto metadata = [context = asker.context](std::string_view name) {
    const auto& all = context->client_metadata();
    const auto found = all.find({name.data(), name.size()});
    return found == all.end() ? std::string_view() : view(found->second);
  };
  auto failed = entry.method.answer({parts_.plane, asker.arrived, metadata}, in, out);
  note(entry, asker.caller, failed ? failed->status : ::grpc::StatusCode::OK, failed ? 0 : out.Length(), asker.arrived);
  return failed;
}

void Service::note(const Entry& entry, const Caller& caller, ::grpc::StatusCode status, size_t bytes, Micros began) {
  by_status_[std::min<size_t>(static_cast<size_t>(status), by_status_.size() - 1)].fetch_add(1,
                                                                                             std::memory_order_relaxed);
  if (entry.method.infers && status == ::grpc::StatusCode::OK) return;
  // Subjects and request ids are names: nothing in them needs quoting, but a local user's name might.
  parts_.context.log.write_fields(
      Log::Level::info, "request",
      fmt::format(
          R"("method":"gRPC","path":"{}","status":"{}","us":{},"bytes":{},"subject":{},"via":"oip","request_id":"{}")",
          entry.path, name_of(status), parts_.context.clock.steady() - began, bytes, to_text(Json(caller.subject)),
          caller.request_id));
}

::grpc::Status status_of(const Failure& failure, const Caller& caller, CallbackServerContext& context) {
  for (const auto& [name, value] : failure.details) context.AddTrailingMetadata(name, value);
  if (!caller.request_id.empty()) context.AddTrailingMetadata("x-request-id", caller.request_id);
  return {failure.status, failure.text};
}

::grpc::ServerUnaryReactor* Service::unary(const Entry& entry, CallbackServerContext& context, const ByteBuffer& in,
                                           ByteBuffer& out) {
  auto* reactor = context.DefaultReactor();
  auto asker = admit(entry, context);
  if (!asker) {
    const auto failure = failure_of(asker.error());
    note(entry, {}, failure.status, 0, parts_.context.clock.steady());
    reactor->Finish(status_of(failure, {}, context));
    return reactor;
  }
  const auto task = [this, &entry, &context, &in, &out, reactor, asker = std::move(*asker)] {
    // Nobody waits for the answer of a call that was cancelled or whose time is over.
    if (context.IsCancelled()) return reactor->Finish(::grpc::Status::CANCELLED);
    const auto failed = answer(entry, asker, in, out);
    reactor->Finish(failed ? status_of(*failed, asker.caller, context) : ::grpc::Status::OK);
  };
  if (!waits(entry.method))
    task();
  else if (const auto refused = post(task))
    reactor->Finish(status_of(*refused, {}, context));
  return reactor;
}

::grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* Service::stream(const Entry& entry, CallbackServerContext& context) {
  auto asker = admit(entry, context);
  std::optional<Failure> refused;
  if (!asker) {
    refused = failure_of(asker.error());
    note(entry, {}, refused->status, 0, parts_.context.clock.steady());
  }
  return Stream::start(std::make_shared<Stream>(*this, entry, context, asker ? std::move(*asker) : Asker{}),
                       std::move(refused));
}

Result<void> Service::enter(const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(mutex_);
  if (ending_) return Error{Code::unavailable, "the server is stopping"};
  if (open_ >= limits::grpc_streams)
    return Error{Code::unavailable, fmt::format("{} streams are open, which is the limit", open_)}.hint(
        "end streams that are not used");
  ++open_;
  std::erase_if(streams_, [](const auto& each) { return each.expired(); });
  streams_.push_back(stream);
  return {};
}

void Service::leave() {
  const std::lock_guard lock(mutex_);
  --open_;
}

void Service::end_streams() {
  std::vector<std::weak_ptr<Stream>> streams;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    streams.swap(streams_);
  }
  for (const auto& each : streams)
    if (const auto stream = each.lock()) stream->end();
}

std::string Service::metrics_text() const {
  std::string out =
      "# HELP millrace_grpc_messages_total Answered gRPC messages by status.\n# TYPE millrace_grpc_messages_total "
      "counter\n";
  for (size_t i = 0; i < by_status_.size(); ++i)
    if (const uint64_t count = by_status_[i]; count > 0)
      out += fmt::format("millrace_grpc_messages_total{{status=\"{}\"}} {}\n",
                         name_of(static_cast<::grpc::StatusCode>(i)), count);
  return out;
}

}  // namespace millrace::api::rpc
