#include "api/grpc/module/service.h"

#include <fmt/format.h>

#include "api/grpc/module/messages.h"
#include "core/limits.h"
#include "core/limits/grpc_limits.h"

namespace millrace::api::rpc {
namespace {

constexpr std::string_view kService = "/inference.GRPCInferenceService/";

}  // namespace

std::string_view Head::value(std::string_view name) const {
  for (const auto& [each, value] : metadata)
    if (each == name) return value;
  return {};
}

Service::Service(const ServerOptions& options, const ServerParts& parts)
    : options_(options), parts_(parts), workers_(limits::grpc_workers, limits::inference_queue) {
  for (const auto& method : methods()) {
    auto entry = std::make_unique<Entry>(
        Entry{method, std::string(kService) + method.name,
              Route("POST", "/v2/grpc", method.permission, BodyLimit{limits::inference_body_bytes}, "none",
                    Run::inline_, nullptr, "")});
    const std::string_view path = entry->path;
    entries_.emplace(path, std::move(entry));
  }
}

const Entry* Service::find(std::string_view path) const {
  const auto found = entries_.find(path);
  return found == entries_.end() ? nullptr : found->second.get();
}

Result<Asker> Service::admit(const Entry& entry, const Head& head, bool loopback) {
  Asker out{.arrived = now()};
  if (!head.timeout.empty()) {
    const auto timeout = read_timeout(head.timeout);
    if (!timeout)
      return Error{Code::invalid, fmt::format("'{}' is no time limit", head.timeout.substr(0, 40))}.at_field(
          "grpc-timeout");
    out.late_at = out.arrived + *timeout;
  }
  Request request;
  request.path = entry.route.pattern;
  for (const char* name : {"authorization", "x-request-id", "x-mlflow-workspace"})
    if (const auto value = head.value(name); !value.empty()) request.headers.emplace_back(name, std::string(value));
  const Peer peer{.local = !options_.require_login && loopback, .local_subject = options_.local_subject};
  MILLRACE_DO(parts_.dispatcher.admit(entry.route, request, peer));
  out.caller = std::move(request.caller);
  return out;
}

Failure Service::refuse(const Entry* entry, const Error& error) {
  auto failure = failure_of(error);
  if (entry != nullptr)
    note(*entry, {.caller = {}, .arrived = now()}, failure, 0);
  else
    by_status_[static_cast<size_t>(failure.status)].fetch_add(1, std::memory_order_relaxed);
  return failure;
}

std::optional<Failure> Service::post(std::function<void()> task) {
  if (workers_.post(std::move(task))) return std::nullopt;
  return failure_of(
      Error{Code::unavailable, fmt::format("{} calls wait, which is the limit", limits::inference_queue)}.hint(
          "try again in a second"));
}

std::optional<Failure> Service::late(const Asker& asker) const {
  if (asker.late_at == 0 || now() < asker.late_at) return std::nullopt;
  return failure_of(Error{Code::timeout, "the time limit of the call was over before it was its turn"});
}

Failure Service::unexpected(const Entry& entry, const std::exception& thrown) const {
  parts_.context.log.error("handler_threw", {{"path", entry.path}, {"what", thrown.what()}});
  return failure_of(Error{Code::internal, "an unexpected failure"}.hint("the server's log has more"));
}

std::optional<Failure> Service::answer(const Entry& entry, const Asker& asker, const Head& head, std::string_view in,
                                       std::string& out) {
  const size_t at = out.size();
  auto failed = late(asker);
  if (!failed) {
    out.append(kPrefix, '\0');
    bool written = false;
    try {
      failed = entry.method.answer(
          {parts_.plane, asker.arrived, [&head](std::string_view name) { return head.value(name); }}, in, out);
      written = !failed || entry.method.stream;
    } catch (const std::exception& thrown) {
      failed = unexpected(entry, thrown);
    }
    if (written)
      set_prefix(out, at);
    else
      out.resize(at);
  }
  note(entry, asker, failed, out.size() - at);
  return failed;
}

void Service::answer_together(std::span<Asked> all) {
  std::vector<Waiting> waiting;
  std::vector<Asked*> of;
  for (auto& each : all) {
    if (each.failure = late(each.asker); each.failure) continue;
    each.out->append(kPrefix, '\0');
    waiting.push_back({.call = {parts_.plane, each.asker.arrived,
                                [head = &each.head](std::string_view name) { return head->value(name); }},
                       .in = each.in,
                       .out = each.out});
    of.push_back(&each);
  }
  try {
    infer_together(parts_.plane, waiting);
  } catch (const std::exception& thrown) {
    const auto failure = unexpected(all.front().entry, thrown);
    for (auto& each : waiting) each.failure = failure;
  }
  for (size_t i = 0; i < waiting.size(); ++i) {
    if (waiting[i].failure)
      of[i]->out->clear();
    else
      set_prefix(*of[i]->out, 0);
    of[i]->failure = std::move(waiting[i].failure);
  }
  for (const auto& each : all) note(each.entry, each.asker, each.failure, each.out->size());
}

void Service::note(const Entry& entry, const Asker& asker, const std::optional<Failure>& failure, size_t bytes) {
  const Status status = failure ? failure->status : Status::OK;
  by_status_[static_cast<size_t>(status)].fetch_add(1, std::memory_order_relaxed);
  if (entry.method.infers && status == Status::OK) return;
  // Subjects and request ids are names: nothing in them needs quoting, but a local user's name might.
  parts_.context.log.write_fields(
      Log::Level::info, "request",
      fmt::format(
          R"("method":"gRPC","path":"{}","status":"{}","us":{},"bytes":{},"subject":{},"via":"oip","request_id":"{}")",
          entry.path, name_of(status), now() - asker.arrived, bytes, to_text(Json(asker.caller.subject)),
          asker.caller.request_id));
}

std::string Service::metrics_text() const {
  std::string out =
      "# HELP millrace_grpc_messages_total Answered gRPC messages by status.\n# TYPE millrace_grpc_messages_total "
      "counter\n";
  for (size_t i = 0; i < by_status_.size(); ++i)
    if (const uint64_t count = by_status_[i]; count > 0)
      out += fmt::format("millrace_grpc_messages_total{{status=\"{}\"}} {}\n", name_of(static_cast<Status>(i)), count);
  return out;
}

}  // namespace millrace::api::rpc
