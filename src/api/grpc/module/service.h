// The methods of methods.h as a service: says who calls, refuses, answers, counts, logs a line. Messages stay bytes
// until a handler reads them, so that one that cannot be read is told of as such.
#pragma once
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "api/grpc/module/methods.h"
#include "api/grpc/module/workers.h"
#include "api/grpc/server.h"

namespace millrace::api::rpc {

// A method with what the dispatcher wants to know of it.
struct Entry {
  const Method& method;
  std::string path;  // "/inference.GRPCInferenceService/ModelInfer"
  Route route;
};

// The head of a call.
struct Head {
  std::string path, method, content_type, encoding, timeout;
  Pairs metadata;  // names in lower case
  bool too_large = false;

  std::string_view value(std::string_view name) const;  // "" when absent
};

// Who sends a message, and when it came (steady clock).
struct Asker {
  Caller caller;
  Micros arrived = 0;
  Micros late_at = 0;  // nobody waits for the answer then; 0: no limit
};

// Thread-safe.
class Service {
 public:
  Service(const ServerOptions& options, const ServerParts& parts);

  // By the head alone, before a message is read. A failure is counted and logged.
  const Entry* find(std::string_view path) const;
  Result<Asker> admit(const Entry& entry, const Head& head, bool loopback);
  Failure refuse(const Entry* entry, const Error& error);

  bool waits(const Method& method) const {
    return method.waits == Waits::always || (method.waits == Waits::with_the_log && parts_.plane.waits_for_disk());
  }
  // One message of a caller: appends the answer with its prefix. Counted and logged. What fails in a stream is answered
  // too, but what ends it: nothing is appended then.
  std::optional<Failure> answer(const Entry& entry, const Asker& asker, const Head& head, std::string_view in,
                                std::string& out);
  // Those of ModelInfer that are ready at the same moment.
  struct Asked {
    const Entry& entry;
    const Asker& asker;
    const Head& head;
    std::string_view in;
    std::string* out;
    std::optional<Failure> failure = {};
  };
  void answer_together(std::span<Asked> all);

  // On a worker. A failure: too many wait, and it is not run.
  std::optional<Failure> post(std::function<void()> task);

  void finish() { workers_.finish(); }  // runs what was posted

  Micros now() const { return parts_.context.clock.steady(); }
  std::string metrics_text() const;

 private:
  std::optional<Failure> late(const Asker& asker) const;
  Failure unexpected(const Entry& entry, const std::exception& thrown) const;
  void note(const Entry& entry, const Asker& asker, const std::optional<Failure>& failure, size_t bytes);

  const ServerOptions options_;
  const ServerParts parts_;
  std::unordered_map<std::string_view, std::unique_ptr<Entry>> entries_;  // by their own paths
  std::array<std::atomic<uint64_t>, kStatuses> by_status_ = {};
  Workers workers_;  // last: its tasks use the others
};

}  // namespace millrace::api::rpc
