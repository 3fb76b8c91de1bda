#include "serve/arms/shadow.h"

#include <sched.h>
#include <sys/resource.h>

#include <chrono>

namespace millrace::serve {
namespace {

// For more of them the thread is woken once: their requests are answered by then.
constexpr auto kMoment = std::chrono::milliseconds(20);
constexpr int kNice = 10;

// Of this thread alone. Not idle priority: it writes the same log as requests do, and must not hold them up there. What
// is refused changes only how soon the kernel runs it.
void make_way() {
  const sched_param none{};
  (void)sched_setscheduler(0, SCHED_BATCH, &none);
  (void)setpriority(PRIO_PROCESS, 0, kNice);
}

size_t bytes_of(const std::vector<Tensor>& tensors) {
  size_t out = 0;
  for (const auto& tensor : tensors) {
    out += sizeof(Tensor) + tensor.data.size();
    for (const auto& text : tensor.texts) out += sizeof(std::string) + text.size();
  }
  return out;
}

}  // namespace

ShadowQueue::ShadowQueue(Answer answer, ShadowLimits limits)
    : answer_(std::move(answer)), limits_(limits), worker_([this] { work(); }) {}

ShadowQueue::~ShadowQueue() {
  settle();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  hurry_.notify_all();
  worker_.join();
}

void ShadowQueue::offer(const ServedPtr& served, const InferRequest& request, const PredictionFacts& facts) {
  const size_t shadows = served->shadows.size();
  if (shadows == 0) return;
  const size_t bytes = bytes_of(request.inputs);
  auto& counts = served->place->shadow;
  {
    const std::lock_guard lock(mutex_);
    if (copies_ + shadows > limits_.copies || bytes_ + bytes > limits_.bytes) {
      counts.dropped += shadows;
      return;
    }
    copies_ += shadows;
    bytes_ += bytes;
    ++granted_;
  }
  Waiting one{.copy = {.served = served, .request = request, .facts = facts}, .bytes = bytes};
  counts.queued += shadows;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(one));
  }
  wake_.notify_one();
}

// Real time passes here, not the injected clock's: a replay must not cut the wait short.
bool ShadowQueue::settle() {
  std::unique_lock lock(mutex_);
  const uint64_t until = granted_;
  ++settling_;
  hurry_.notify_all();
  const bool done =
      settled_.wait_for(lock, std::chrono::microseconds(limits_.wait), [&] { return finished_ >= until; });
  --settling_;
  return done;
}

void ShadowQueue::work() {
  make_way();
  std::unique_lock lock(mutex_);
  while (true) {
    if (queue_.empty() && !stopping_) {
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      hurry_.wait_for(lock, kMoment, [&] { return stopping_ || settling_ > 0; });
    }
    if (queue_.empty()) return;
    const Waiting one = std::move(queue_.front());
    queue_.pop_front();
    const bool drop = stopping_;
    lock.unlock();
    answer(one, drop);
    lock.lock();
    copies_ -= one.copy.served->shadows.size();
    bytes_ -= one.bytes;
    ++finished_;
    settled_.notify_all();
  }
}

void ShadowQueue::answer(const Waiting& one, bool drop) {
  auto& counts = one.copy.served->place->shadow;
  for (const auto& shadow : one.copy.served->shadows) {
    if (drop)
      ++counts.dropped;
    else
      ++(answer_(shadow, one.copy) ? counts.answered : counts.failed);
  }
}

}  // namespace millrace::serve
