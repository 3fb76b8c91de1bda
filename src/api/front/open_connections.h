// How many connections a server has open: no more than it may, none once it drains, and whoever stops it can wait for
// the last. Thread-safe.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "core/clock.h"

namespace millrace::api::front {

class OpenConnections {
 public:
  bool enter();  // false: limits::http_connections are open, or it drains
  void leave();

  bool draining() const { return draining_; }
  bool drain() { return !draining_.exchange(true); }  // false: it was draining
  void wait_for_none(Micros patience);

 private:
  std::atomic<bool> draining_{false};
  std::mutex mutex_;  // guards the next field
  size_t open_ = 0;
  std::condition_variable emptied_;
};

}  // namespace millrace::api::front
