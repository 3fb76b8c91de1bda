#include "stats/sequential/mixture.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/sequential/quantile.h"
#include "stats/sequential/testing.h"

namespace millrace::stats {
namespace {

using testing::Dice;

TEST(Mixture, evidence_is_the_closed_form_for_few_values) {
  // B(3/2, 1/2) / B(1/2, 1/2) = 1/2, B(5/2, 1/2) / B(1/2, 1/2) = 3/8, B(3/2, 3/2) / B(1/2, 1/2) = 1/8
  EXPECT_EQ(log_mixture_evidence(0, 0, 0.3), 0);
  EXPECT_NEAR(std::exp(log_mixture_evidence(1, 1, 0.25)), 0.5 / 0.25, 1e-12);
  EXPECT_NEAR(std::exp(log_mixture_evidence(2, 2, 0.5)), 0.375 / 0.25, 1e-12);
  EXPECT_NEAR(std::exp(log_mixture_evidence(1, 2, 0.5)), 0.125 / 0.25, 1e-12);
  EXPECT_TRUE(std::isinf(log_mixture_evidence(1, 2, 0))) << "a value above 0 excludes the mean 0";
  EXPECT_TRUE(std::isinf(log_mixture_evidence(1, 2, 1)));
  EXPECT_NEAR(std::exp(log_mixture_evidence(0, 2, 0)), 0.375, 1e-12) << "but zeros do not";
}

TEST(Mixture, its_expectation_is_one_for_coins) {
  for (const double mean : {0.01, 0.3, 0.5, 0.9}) {
    constexpr int n = 12;
    double sum = 0, ways = 1;
    for (int hits = 0; hits <= n; ++hits) {
      sum += ways * std::pow(mean, hits) * std::pow(1 - mean, n - hits) * std::exp(log_mixture_evidence(hits, n, mean));
      ways = ways * (n - hits) / (hits + 1);
    }
    EXPECT_NEAR(sum, 1, 1e-10) << mean;
  }
}

TEST(Mixture, sequences_without_values_say_nothing_and_shrink_with_them) {
  const auto none = mean_sequence(0, 0, 0.05);
  EXPECT_TRUE(std::isnan(none.value));
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 1);
  double width = 1;
  for (const double n : {10.0, 100.0, 1'000.0, 1e6, 1e9}) {
    const auto at = mean_sequence(0.3 * n, n, 0.05);
    EXPECT_LT(at.low, 0.3);
    EXPECT_GT(at.high, 0.3);
    EXPECT_LT(at.high - at.low, width) << n;
    width = at.high - at.low;
  }
  EXPECT_LT(width, 1e-3);
  EXPECT_EQ(mean_sequence(0, 50, 0.05).low, 0);
  EXPECT_EQ(mean_sequence(50, 50, 0.05).high, 1);
  EXPECT_LT(mean_sequence(0, 50, 0.05).high, mean_sequence(0, 50, 0.001).high);
}

// Looked at after every value of 1,000; with alpha 0.05 at most 5 percent of the runs may ever be left. 600 runs: three
// standard errors are 2.7 percent.
TEST(Mixture, every_look_of_a_run_covers_the_mean) {
  for (const double mean : {0.02, 0.5}) {
    int left = 0;
    for (uint64_t run = 0; run < 600; ++run) {
      Dice dice(run);
      double sum = 0;
      for (int n = 1; n <= 1'000; ++n) {
        // Half coins, half values between: both in [0, 1] with this mean.
        sum += n % 2 == 0 ? (dice.coin(mean) ? 1 : 0) : mean * 2 * std::min(dice.uniform(), 1.0);
        if (log_mixture_evidence(sum, n, mean) >= -std::log(0.05)) {
          ++left;
          break;
        }
      }
    }
    EXPECT_LE(left, 30 + 16) << mean;
  }
}

TEST(Mixture, a_difference_is_covered_and_excludes_zero_in_the_end) {
  int left = 0;
  bool found = false;
  for (uint64_t run = 0; run < 300; ++run) {
    Dice dice(run);
    double first = 0, second = 0;
    int first_n = 0, second_n = 0;
    bool outside = false;
    for (int n = 1; n <= 3'000; ++n) {
      if (dice.coin(0.2)) {
        ++first_n;
        first += dice.coin(0.3) ? 1 : 0;
      } else {
        ++second_n;
        second += dice.coin(0.1) ? 1 : 0;
      }
      if (n % 50 != 0) continue;
      const auto at = difference_sequence(first, first_n, second, second_n, 0.05);
      outside |= at.low > 0.2 || at.high < 0.2;
      found |= at.low > 0;
    }
    left += outside ? 1 : 0;
  }
  EXPECT_LE(left, 15 + 11);
  EXPECT_TRUE(found);
  EXPECT_TRUE(std::isnan(difference_sequence(0, 0, 1, 2, 0.05).value));
}

TEST(LogHistogram, answers_quantiles_within_its_bins_and_merges_exactly) {
  LogHistogram all, one, two;
  for (int i = 1; i <= 10'000; ++i) {
    all.add(i);
    (i % 3 == 0 ? one : two).add(i);
  }
  one.merge(two);
  for (const double q : {0.01, 0.5, 0.99, 1.0}) {
    EXPECT_EQ(one.quantile(q), all.quantile(q));
    EXPECT_GE(all.quantile(q) * 1.0001, q * 10'000);
    EXPECT_LE(all.quantile(q), q * 10'000 * 1.03);
  }
  EXPECT_TRUE(std::isnan(LogHistogram().quantile(0.5)));
  LogHistogram wild, again;
  for (const double value : {std::nan(""), -3.0, 0.0, 1e300, std::exp2(2000.0)}) wild.add(value);
  EXPECT_EQ(wild.count(), 5);
  EXPECT_EQ(wild.at_rank(3), 1);
  EXPECT_TRUE(std::isinf(wild.quantile(1)));
  for (const auto& [bin, count] : wild.bins()) again.add_bin(bin, count);
  again.add_bin(-1, 3);
  again.add_bin(LogHistogram::kBins, 3);
  EXPECT_EQ(again.bins(), wild.bins());
}

TEST(QuantileSequence, needs_values_above_for_its_high_end) {
  LogHistogram values;
  auto at = quantile_sequence(values, 0.9, 0.05);
  EXPECT_TRUE(std::isnan(at.value));
  for (int i = 0; i < 20; ++i) values.add(100);
  at = quantile_sequence(values, 0.99, 0.05);
  EXPECT_TRUE(std::isinf(at.high));
  for (int i = 0; i < 5'000; ++i) values.add(100);
  at = quantile_sequence(values, 0.5, 0.05);
  EXPECT_LE(at.low, 100);
  EXPECT_GE(at.low, 95);
  EXPECT_GE(at.high, 100);
  EXPECT_LE(at.high, 103);
}

// The true quantiles of 1000 u^-1/2 are 1000 (1 - q)^-1/2.
TEST(QuantileSequence, every_look_of_a_run_covers_the_quantile) {
  for (const double q : {0.5, 0.95}) {
    const double truth = 1'000 / std::sqrt(1 - q);
    int left = 0;
    double width = 0;
    for (uint64_t run = 0; run < 200; ++run) {
      Dice dice(run + 7);
      LogHistogram values;
      bool outside = false;
      for (int n = 1; n <= 2'000; ++n) {
        values.add(1'000 / std::sqrt(1 - dice.uniform()));
        if (n % 40 != 0) continue;
        const auto at = quantile_sequence(values, q, 0.05);
        outside |= at.low > truth || at.high < truth;
        width = at.high / at.low;
      }
      left += outside ? 1 : 0;
    }
    EXPECT_LE(left, 10 + 9) << q;
    EXPECT_LT(width, 1.6) << q;
  }
}

}  // namespace
}  // namespace millrace::stats
