// How long requests took lately: quantiles over the last one to two minutes, in fixed memory.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "core/clock.h"

namespace millrace::serve {

// Buckets grow by steps of at most 1/16: a quantile is at most 6.3 % above the duration that it stands for.
// Thread-safe; add() takes no lock but once a minute.
class RecentLatency {
 public:
  static constexpr Micros kWindow = 60'000'000;

  void add(uint64_t micros, Micros steady);
  // The smallest bucket's upper end that `share` (above 0, at most 1) of the durations do not pass; 0 without any.
  uint64_t quantile(double share, Micros steady) const;

  // The durations themselves: how many, over how long, and how they are spread.
  struct Spread {
    struct Bucket {
      uint64_t top = 0, count = 0;  // durations up to `top`, over the one before
    };
    std::vector<Bucket> buckets;  // ascending; those without durations are left out
    uint64_t count = 0;
    Micros over = 0;  // from the beginning of the older minute
  };
  Spread spread(Micros steady) const;

 private:
  // 0 to 15 exactly, then 16 buckets an octave up to 2^32 microseconds, which take all above.
  static constexpr size_t kStep = 16, kBuckets = kStep + 28 * kStep;
  static size_t bucket_of(uint64_t micros);
  static uint64_t top_of(size_t bucket);
  void turn(int64_t window);
  std::array<uint64_t, kBuckets> sums(Micros steady) const;

  using Counts = std::array<std::atomic<uint32_t>, kBuckets>;
  std::array<Counts, 2> counts_{};  // of windows with an even and an odd number
  std::atomic<int64_t> window_{0};  // the newest
  std::mutex mutex_;                // one thread at a time begins a window
};

}  // namespace millrace::serve
