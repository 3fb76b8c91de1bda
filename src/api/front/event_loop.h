// One network thread's loop over epoll: descriptors that are ready, work that other threads hand over, and a beat once
// a second for time limits.
#pragma once
#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <vector>

#include "core/result.h"

namespace millrace::api::front {

// Who is told of a descriptor's events. It may close its own descriptor meanwhile, no other's.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_events(uint32_t events) = 0;
};

// Loops of a server that asks for no number: one for each core, 2 to 16.
size_t default_threads();

class EventLoop {
 public:
  using Task = std::function<void()>;
  using Clock = std::chrono::steady_clock;

  EventLoop() = default;
  EventLoop(const EventLoop&) = delete;
  ~EventLoop();
  Result<void> open();  // once, before all else

  void run();   // until stop(); on the thread that the loop is to have
  void stop();  // from any thread
  // Runs the task on the loop's thread, after the events at hand. From any thread; tasks of a stopped loop are dropped
  // with it.
  void post(Task task);

  // Of the loop's thread, or before run(). `watcher` outlives its watching, which unwatch() ends: closing the
  // descriptor may not, as a child that is being started has a copy of it.
  Result<void> watch(int descriptor, uint32_t events, Watcher& watcher);
  void unwatch(int descriptor);
  void on_beat(Task task) { beat_ = std::move(task); }  // once a second, and 50 ms after beat_soon()
  void beat_soon();
  // Of the loop's thread: descriptors that are ready, too, and whose watchers are told after this one.
  size_t waiting() const { return waiting_; }
  void after_events(Task task) { after_events_ = std::move(task); }  // of those that were ready together

 private:
  void run_posted();
  int wait_ms() const;

  int epoll_ = -1, wake_ = -1;
  std::atomic<bool> stopping_{false};
  size_t waiting_ = 0;
  Task beat_, after_events_;
  Clock::time_point next_beat_;
  std::mutex mutex_;  // guards the next field
  std::vector<Task> posted_;
};

}  // namespace millrace::api::front
