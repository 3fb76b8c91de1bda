// A library that is opened when the first model needs it, and stays open. What cannot be opened is tried again at the
// next call. Thread-safe.
#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "core/result.h"

namespace millrace::serve {

// T::open(path) answers Result<std::shared_ptr<const T>>.
template <class T>
class OpenedOnce {
 public:
  explicit OpenedOnce(std::string path) : path_(std::move(path)) {}

  Result<std::shared_ptr<const T>> get() {
    const std::lock_guard lock(mutex_);
    if (!held_) {
      MILLRACE_TRY(held_, T::open(path_));
    }
    return held_;
  }

 private:
  const std::string path_;
  std::mutex mutex_;  // guards held_
  std::shared_ptr<const T> held_;
};

}  // namespace millrace::serve
