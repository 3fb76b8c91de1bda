// One loop over many independent items on a few threads. The first error stops the rest and is the answer.
#pragma once
#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/result.h"

namespace millrace::versions {

inline constexpr size_t kMostThreads = 8;

inline size_t cores() { return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostThreads); }

// `each(i)` for i below `count`, in any order, from up to `threads` threads; `step` items are taken at a time.
template <class Each>
Result<void> for_each_of(size_t count, size_t threads, size_t step, Each each) {
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;  // guards first
  std::optional<Error> first;
  const auto work = [&] {
    while (!failed) {
      const size_t from = next.fetch_add(step);
      for (size_t i = from; i < std::min(count, from + step); ++i) {
        Result<void> done = each(i);
        if (done.ok()) continue;
        const std::lock_guard lock(mutex);
        if (!first) first = std::move(done).error();
        failed = true;
        return;
      }
      if (from + step >= count) return;
    }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads && i * step < count; ++i) others.emplace_back(work);
  work();
  for (auto& other : others) other.join();
  if (first) return std::move(*first);
  return {};
}

}  // namespace millrace::versions
