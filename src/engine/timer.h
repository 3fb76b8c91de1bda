// Calls `expire` when it still lives after `after`, and again every 20 ms until it ends. One thread while it lives.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "core/clock.h"

namespace millrace::engine {

class Timer {
 public:
  // after = 0: never, and no thread.
  Timer(Micros after, std::function<void()> expire) {
    if (after > 0) thread_ = std::thread([this, after, expire = std::move(expire)] { wait(after, expire); });
  }
  ~Timer() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  bool expired() const { return expired_; }

 private:
  void wait(Micros after, const std::function<void()>& expire) {
    constexpr std::chrono::milliseconds kAgain{20};
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, std::chrono::microseconds(after), [this] { return done_; })) return;
    expired_ = true;
    // Again and again: an interrupt between two steps of a statement would be lost.
    do {
      lock.unlock();
      expire();
      lock.lock();
    } while (!wake_.wait_for(lock, kAgain, [this] { return done_; }));
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::atomic<bool> expired_ = false;
  std::thread thread_;
};

}  // namespace millrace::engine
