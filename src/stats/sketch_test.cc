#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "stats/distinct.h"
#include "stats/hyperloglog.h"
#include "stats/kll.h"

namespace millrace::stats {
namespace {

TEST(HyperLogLog, counts_within_its_error_from_nothing_to_millions) {
  EXPECT_EQ(HyperLogLog().estimate(), 0);
  for (const uint64_t n : {1u, 10u, 100u, 3'000u, 20'000u, 100'000u, 3'000'000u}) {
    HyperLogLog sketch;
    for (int twice = 0; twice < 2; ++twice)
      for (uint64_t i = 0; i < n; ++i) sketch.add(mix(i + 1'000'000'007 * n));
    EXPECT_NEAR(sketch.estimate(), static_cast<double>(n), 4 * HyperLogLog::kStandardError * static_cast<double>(n))
        << n;
  }
}

TEST(HyperLogLog, the_error_that_it_states_is_the_one_it_has) {
  double squares = 0;
  constexpr int kTrials = 200;
  constexpr uint64_t kValues = 30'000;
  for (uint64_t trial = 0; trial < kTrials; ++trial) {
    HyperLogLog sketch;
    for (uint64_t i = 0; i < kValues; ++i) sketch.add(mix(trial * kValues + i));
    squares += std::pow(sketch.estimate() / kValues - 1, 2);
  }
  const double error = std::sqrt(squares / kTrials);
  EXPECT_GT(error, 0.75 * HyperLogLog::kStandardError);
  EXPECT_LT(error, 1.25 * HyperLogLog::kStandardError);
}

TEST(HyperLogLog, two_halves_are_the_whole) {
  HyperLogLog even, odd, all;
  for (uint64_t i = 0; i < 50'000; ++i) {
    (i % 2 == 0 ? even : odd).add(mix(i));
    all.add(mix(i));
  }
  even.merge(odd);
  EXPECT_EQ(even.estimate(), all.estimate());
}

TEST(DistinctCounter, is_exact_up_to_its_limit_and_says_so) {
  DistinctCounter counter;
  counter.add(0);
  for (uint64_t i = 1; i < DistinctCounter::kExactly; ++i)
    for (int twice = 0; twice < 2; ++twice) counter.add(mix(i)), counter.add(0);
  EXPECT_TRUE(counter.exact());
  EXPECT_EQ(counter.value(), static_cast<int64_t>(DistinctCounter::kExactly));
  for (uint64_t i = 0; i < 40'000; ++i) counter.add(mix(i));
  EXPECT_FALSE(counter.exact());
  EXPECT_NEAR(static_cast<double>(counter.value()), 40'000, 4 * counter.standard_error() * 40'000);
}

// The share of values at or below what is told for a quantile lies within the error of the share asked for.
double worst_rank(std::vector<double> values, const QuantileSketch& sketch) {
  std::sort(values.begin(), values.end());
  const std::vector<double> shares{0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
  const auto found = sketch.quantiles(shares);
  double worst = 0;
  const auto n = static_cast<double>(values.size());
  for (size_t i = 0; i < shares.size(); ++i) {
    const auto [low, high] = std::equal_range(values.begin(), values.end(), found[i]);
    const double from = static_cast<double>(low - values.begin()) / n,
                 to = static_cast<double>(high - values.begin()) / n;
    worst = std::max({worst, from - shares[i], shares[i] - to});
  }
  return worst;
}

TEST(QuantileSketch, ranks_are_within_its_error_in_any_order) {
  constexpr size_t kValues = 300'000;
  std::vector<double> rising, falling, mixed, tied;
  for (size_t i = 0; i < kValues; ++i) {
    rising.push_back(static_cast<double>(i));
    falling.push_back(-static_cast<double>(i));
    mixed.push_back(static_cast<double>(mix(i) >> 11));
    tied.push_back(static_cast<double>(mix(i) % 7));
  }
  for (const auto& values : {rising, falling, mixed, tied}) {
    QuantileSketch sketch;
    for (const double value : values) sketch.add(value);
    EXPECT_EQ(sketch.count(), static_cast<int64_t>(kValues));
    EXPECT_LE(worst_rank(values, sketch), QuantileSketch::kRankError);
  }
}

TEST(QuantileSketch, few_values_are_told_exactly_and_none_is_none) {
  QuantileSketch sketch;
  const std::vector<double> shares{0, 0.1, 0.5, 1};
  EXPECT_TRUE(std::isnan(sketch.quantiles(shares)[0]));
  for (int i = 30; i > 0; --i) sketch.add(i);
  EXPECT_EQ(sketch.quantiles(shares), (std::vector<double>{1, 3, 15, 30}));
}

TEST(QuantileSketch, weights_and_merged_parts_count_as_their_values) {
  QuantileSketch left, right;
  std::vector<double> values;
  for (int i = 0; i < 2'000; ++i) {
    const double value = static_cast<double>(mix(static_cast<uint64_t>(i)) % 1'000);
    left.add(value, i % 90);
    for (int k = 0; k < i % 90; ++k) values.push_back(value);
  }
  for (int i = 0; i < 100'000; ++i) right.add(i % 700), values.push_back(i % 700);
  left.merge(right);
  EXPECT_EQ(left.count(), static_cast<int64_t>(values.size()));
  EXPECT_LE(worst_rank(values, left), QuantileSketch::kRankError);
}

}  // namespace
}  // namespace millrace::stats
