#include "serve/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

namespace millrace::serve {
namespace {

TEST(Counter, loses_nothing_that_many_threads_add) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) ++counter;
      counter += 5;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.load(), 80'040U);
}

TEST(RecentLatency, quantiles_are_within_a_sixteenth_above_the_exact_ones) {
  RecentLatency latency;
  std::vector<uint64_t> all;
  uint64_t state = 1;
  for (int i = 0; i < 10'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    all.push_back(static_cast<uint64_t>(std::exp(static_cast<double>(state >> 40) / 1e6)));  // 1 to 2e7
    latency.add(all.back(), 5);
  }
  std::sort(all.begin(), all.end());
  for (const double share : {0.001, 0.5, 0.9, 0.99, 1.0}) {
    const auto exact = all[static_cast<size_t>(std::ceil(share * static_cast<double>(all.size()))) - 1];
    const auto told = latency.quantile(share, 5);
    EXPECT_GE(told, exact) << share;
    EXPECT_LE(static_cast<double>(told), static_cast<double>(exact) * 17 / 16) << share;
  }
}

TEST(RecentLatency, takes_every_duration) {
  RecentLatency latency;
  for (const uint64_t micros :
       {uint64_t{0}, uint64_t{15}, uint64_t{16}, uint64_t{17}, uint64_t{1} << 31, uint64_t{UINT32_MAX}, UINT64_MAX})
    latency.add(micros, 5);
  EXPECT_EQ(latency.quantile(1.0 / 7, 5), 0U);
  EXPECT_EQ(latency.quantile(2.0 / 7, 5), 15U);
  EXPECT_EQ(latency.quantile(3.0 / 7, 5), 16U);
  EXPECT_EQ(latency.quantile(1, 5), UINT32_MAX);
}

TEST(RecentLatency, forgets_after_two_windows) {
  constexpr Micros kMinute = RecentLatency::kWindow;
  RecentLatency latency;
  EXPECT_EQ(latency.quantile(0.5, 0), 0U);
  latency.add(7, kMinute - 1);
  EXPECT_EQ(latency.quantile(0.5, kMinute - 1), 7U);
  EXPECT_EQ(latency.quantile(0.5, 2 * kMinute - 1), 7U);
  EXPECT_EQ(latency.quantile(0.5, 2 * kMinute), 0U);
  latency.add(9, kMinute);
  EXPECT_EQ(latency.quantile(1, kMinute), 9U);
  EXPECT_EQ(latency.quantile(0.5, kMinute), 7U);
  latency.add(3, 9 * kMinute);
  EXPECT_EQ(latency.quantile(1, 9 * kMinute), 3U) << "what is seven minutes old is gone";
  EXPECT_EQ(latency.quantile(1, 10 * kMinute), 3U);
}

TEST(BatchSizes, counts_each_size_and_stays_bounded) {
  BatchSizes sizes;
  for (uint64_t size = 1; size <= 10'000; ++size) sizes.add(size, {.guard_us = 1, .infer_us = 2, .log_us = 3});
  sizes.add(1, {.guard_us = 1, .infer_us = 2, .log_us = 3});
  const auto all = sizes.all();
  EXPECT_EQ(all.size(), BatchSizes::kSizes);
  EXPECT_EQ(all.front().size, 1U);
  EXPECT_EQ(all.front().count, 2U);
  EXPECT_EQ(all.front().us.infer_us, 4U);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.size < b.size; }));
}

TEST(RecentLatency, tells_how_durations_are_spread_and_over_how_long) {
  constexpr Micros kMinute = RecentLatency::kWindow;
  RecentLatency latency;
  EXPECT_EQ(latency.spread(5).count, 0U);
  for (const uint64_t micros : {7, 7, 100, 5'000}) latency.add(micros, kMinute + 1);
  const auto spread = latency.spread(kMinute + 30'000'000);
  ASSERT_EQ(spread.buckets.size(), 3U);
  EXPECT_EQ(spread.buckets[0].top, 7U);
  EXPECT_EQ(spread.buckets[0].count, 2U);
  EXPECT_GE(spread.buckets[2].top, 5'000U);
  EXPECT_EQ(spread.count, 4U);
  EXPECT_EQ(spread.over, 90'000'000);
}

TEST(Scores, add_up_from_many_threads) {
  Scores scores;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1'000; ++n) scores.add({.n = 2, .positive = 1, .sum = 1.5, .squares = 1.25});
    });
  for (auto& thread : threads) thread.join();
  const auto all = scores.all();
  EXPECT_EQ(all.n, 16'000U);
  EXPECT_EQ(all.positive, 8'000U);
  EXPECT_EQ(all.sum, 12'000);
  EXPECT_EQ(all.squares, 10'000);
}

}  // namespace
}  // namespace millrace::serve
