#include "serve/counts/latency.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace millrace::serve {

size_t RecentLatency::bucket_of(uint64_t micros) {
  if (micros < kStep) return micros;
  const uint64_t bounded = std::min<uint64_t>(micros, UINT32_MAX);
  const auto octave = static_cast<size_t>(std::bit_width(bounded)) - 5;  // 16 to 31: 0
  return kStep + octave * kStep + ((bounded >> octave) - kStep);
}

uint64_t RecentLatency::top_of(size_t bucket) {
  if (bucket < kStep) return bucket;
  const size_t octave = (bucket - kStep) / kStep, step = (bucket - kStep) % kStep;
  return ((kStep + step + 1) << octave) - 1;
}

// A count that falls between the two steps of a turn is lost, which quantiles do not notice.
void RecentLatency::turn(int64_t window) {
  const std::lock_guard lock(mutex_);
  const int64_t before = window_.load(std::memory_order_relaxed);
  if (before >= window) return;
  for (int64_t stale = std::max(window - 1, before + 1); stale <= window; ++stale)
    for (auto& count : counts_[static_cast<size_t>(stale & 1)]) count.store(0, std::memory_order_relaxed);
  window_.store(window, std::memory_order_release);
}

void RecentLatency::add(uint64_t micros, Micros steady) {
  const int64_t window = steady / kWindow;
  if (window_.load(std::memory_order_acquire) < window) turn(window);
  counts_[static_cast<size_t>(window & 1)][bucket_of(micros)].fetch_add(1, std::memory_order_relaxed);
}

std::array<uint64_t, RecentLatency::kBuckets> RecentLatency::sums(Micros steady) const {
  const int64_t window = steady / kWindow, newest = window_.load(std::memory_order_acquire);
  std::array<uint64_t, kBuckets> out{};
  for (const int64_t each : {window - 1, window}) {
    if (each > newest || each < newest - 1) continue;  // nothing was counted then, or it is forgotten
    for (size_t i = 0; i < kBuckets; ++i)
      out[i] += counts_[static_cast<size_t>(each & 1)][i].load(std::memory_order_relaxed);
  }
  return out;
}

uint64_t RecentLatency::quantile(double share, Micros steady) const {
  const auto counts = sums(steady);
  const auto all = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(all)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets && all > 0; ++i)
    if ((seen += counts[i]) >= wanted) return top_of(i);
  return 0;
}

RecentLatency::Spread RecentLatency::spread(Micros steady) const {
  const auto counts = sums(steady);
  Spread out{.over = kWindow + steady % kWindow};
  for (size_t i = 0; i < kBuckets; ++i) {
    if (counts[i] == 0) continue;
    out.buckets.push_back({top_of(i), counts[i]});
    out.count += counts[i];
  }
  return out;
}

}  // namespace millrace::serve
