// Reading connections, at most limits::read_sessions at once; who comes later waits for one to be given back.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/limits.h"
#include "core/result.h"

namespace millrace::store {

// Thread-safe.
template <class Connection>
class ReaderPool {
 public:
  using Open = std::function<Result<std::unique_ptr<Connection>>()>;
  explicit ReaderPool(Open open) : open_(std::move(open)) {}

  Result<std::unique_ptr<Connection>> borrow() {
    {
      std::unique_lock lock(mutex_);
      free_.wait(lock, [&] { return !idle_.empty() || opened_ < limits::read_sessions; });
      if (!idle_.empty()) {
        auto session = std::move(idle_.back());
        idle_.pop_back();
        return session;
      }
      ++opened_;
    }
    auto made = open_();
    if (!made) give_back(nullptr);
    return made;
  }

  // A broken connection is not given back: nullptr frees its place.
  void give_back(std::unique_ptr<Connection> session) {
    const std::lock_guard lock(mutex_);
    if (session)
      idle_.push_back(std::move(session));
    else
      --opened_;
    free_.notify_one();
  }

 private:
  Open open_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable free_;
  std::vector<std::unique_ptr<Connection>> idle_;
  size_t opened_ = 0;
};

}  // namespace millrace::store
