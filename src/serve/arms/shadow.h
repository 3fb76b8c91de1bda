// Copies of answered requests on their way to the shadow arms: a bounded queue and one thread. Whoever offers a copy
// never waits, and nothing that happens here reaches the request that was copied. The thread makes way for others: it
// takes the copies of a moment together, so that an answer is sent before its copy costs anything, and it is scheduled
// behind whoever answers requests.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "core/clock.h"
#include "core/limits.h"
#include "serve/arms/served.h"
#include "serve/infer.h"

namespace millrace::serve {

struct ShadowLimits {
  size_t copies = limits::shadow_queue;
  size_t bytes = limits::shadow_bytes;
  Micros wait = limits::shadow_wait_us;
};

struct ShadowCopy {
  ServedPtr served;
  InferRequest request;
  PredictionFacts facts;  // of the request that was answered
};

// Thread-safe.
class ShadowQueue {
 public:
  // Answers one copy by one shadow; true when the shadow had an answer.
  using Answer = std::function<bool(const ServedArm& shadow, const ShadowCopy& copy)>;
  explicit ShadowQueue(Answer answer, ShadowLimits limits = {});
  // Settles; what is then still waiting is dropped.
  ~ShadowQueue();

  // A copy for each shadow, or a count of dropped ones when there is no room.
  void offer(const ServedPtr& served, const InferRequest& request, const PredictionFacts& facts);
  // Waits until all that was offered before is answered, for a bounded time; false: it was too long.
  bool settle();

 private:
  struct Waiting {
    ShadowCopy copy;
    size_t bytes = 0;
  };
  void work();
  void answer(const Waiting& one, bool drop);

  const Answer answer_;
  const ShadowLimits limits_;
  std::mutex mutex_;  // guards the fields below
  std::condition_variable wake_, settled_, hurry_;
  std::deque<Waiting> queue_;
  size_t copies_ = 0, bytes_ = 0;        // granted and not yet answered
  uint64_t granted_ = 0, finished_ = 0;  // requests
  bool stopping_ = false;
  int settling_ = 0;  // who waits for all of them
  std::thread worker_;
};

}  // namespace millrace::serve
