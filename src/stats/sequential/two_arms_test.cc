#include "stats/sequential/two_arms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "stats/sequential/testing.h"

namespace millrace::stats {
namespace {

using testing::Dice;

BlockValues coins(int ones, int of) { return {.zeros = of - ones, .ones = ones, .between = {}}; }

// The expectation of the e-value of one block of coins, exactly.
double expectation(const std::function<TwoArmEvidence()>& begin, int c, int s, double t, double u) {
  const auto binomial = [](int hits, int n, double p) {
    return std::exp(std::lgamma(n + 1) - std::lgamma(hits + 1) - std::lgamma(n - hits + 1)) * std::pow(p, hits) *
           std::pow(1 - p, n - hits);
  };
  double out = 0;
  for (int i = 0; i <= c; ++i)
    for (int j = 0; j <= s; ++j) {
      auto evidence = begin();
      const double before = evidence.log_evidence();
      evidence.add(coins(i, c), coins(j, s));
      out += binomial(i, c, t) * binomial(j, s, u) * std::exp(evidence.log_evidence() - before);
    }
  return out;
}

TEST(TwoArms, the_claim_lets_no_block_grow_in_expectation) {
  for (const double delta : {0.0, 0.01, 0.3, -0.05, -0.4})
    for (const double expected : {0.001, 0.2, 0.95})
      for (const auto& [c, s] : {std::pair(1, 1), {1, 7}, {3, 1}, {4, 5}})
        for (double u = 0; u <= 1.0001; u += 0.05)
          for (const double below : {0.0, 0.01, 0.2, 1.0}) {
            const double t = std::min(1.0, u + delta) - below;
            if (t < 0 || u > 1) continue;
            const double grows =
                expectation([&] { return TwoArmEvidence(delta, expected); }, c, s, t, std::min(u, 1.0));
            ASSERT_LE(grows, 1 + 1e-9) << delta << " " << expected << " " << c << "," << s << " at " << t << ", " << u;
          }
}

TEST(TwoArms, nor_after_any_history) {
  const auto begin = [] {
    TwoArmEvidence evidence(0.01, 0.05);
    for (int i = 0; i < 60; ++i) evidence.add(coins(i % 9 == 0, 1), coins(i % 13 == 0, 5));
    return evidence;
  };
  for (const double u : {0.0, 0.01, 0.1, 0.6, 0.99})
    for (const double below : {0.0, 0.005, 0.01})
      EXPECT_LE(expectation(begin, 1, 6, u + 0.01 - below, u), 1 + 1e-9) << u << " " << below;
}

TEST(TwoArms, one_block_is_the_closed_form_where_both_means_may_move_alike) {
  // With delta 0 the nearest pair is the mean of all: (c a + s b) / (c + s). Values between 0 and 1 lie on the chord.
  TwoArmEvidence ones(0, 0.2), zeros(0, 0.2), half(0, 0.2);
  ones.add(coins(1, 1), coins(0, 1));
  zeros.add(coins(0, 1), coins(0, 1));
  const double between = 0.5;
  half.add({.zeros = 0, .ones = 0, .between = {&between, 1}}, coins(0, 1));
  const double mixed = std::exp(ones.log_evidence()) + std::exp(zeros.log_evidence());
  EXPECT_NEAR(2 * std::exp(half.log_evidence()), mixed, 1e-12);
  double expected = 0;
  for (const double a : {0.202, 0.206, 0.22, 0.25, 0.32, 0.5, 0.8, 0.201, 1 - 1e-5}) {
    const double p = (a + 0.2) / 2;
    expected += a / p * 0.8 / (1 - p) / 9;
  }
  EXPECT_NEAR(std::exp(ones.log_evidence()), expected, 1e-9);
}

struct Traffic {
  double share = 0.05, delta = 0, expected = 0.01;
  std::function<double(int request)> first, second;  // chances
  int requests = 20'000;
};

// Requests one by one; blocks as soon as the first arm has one. The first arm's requests until 1/alpha, 0 = never.
int detected(const Traffic& run, double alpha, uint64_t seed) {
  Dice dice(seed);
  TwoArmEvidence evidence(run.delta, run.expected);
  int zeros = 0, ones = 0, seen = 0;
  for (int i = 0; i < run.requests; ++i) {
    if (!dice.coin(run.share)) {
      ++(dice.coin(run.second(i)) ? ones : zeros);
      continue;
    }
    ++seen;
    evidence.add(coins(dice.coin(run.first(i)), 1), {.zeros = zeros, .ones = ones, .between = {}});
    zeros = ones = 0;
    if (evidence.log_evidence_bound() < evidence.log_evidence() - 1e-12) return -1;
    if (evidence.log_evidence() >= -std::log(alpha)) return seen;
  }
  return 0;
}

int median_detection(const Traffic& run, double alpha) {
  std::vector<int> delays;
  for (uint64_t seed = 1; seed <= 101; ++seed) delays.push_back(detected(run, alpha, seed));
  std::sort(delays.begin(), delays.end());
  return delays[50];
}

TEST(TwoArms, alike_arms_are_seldom_told_apart) {
  int wrong = 0;
  const auto rate = [](int) { return 0.02; };
  for (uint64_t seed = 0; seed < 500; ++seed)
    wrong += detected({.share = 0.3, .first = rate, .second = rate, .requests = 4'000}, 0.05, seed) != 0 ? 1 : 0;
  EXPECT_LE(wrong, 25 + 15);
}

TEST(TwoArms, what_moves_both_arms_alike_is_no_evidence) {
  // Failures come and go in waves, and the share grows in the worst of them.
  const auto waves = [](int request) { return request % 2'000 < 300 ? 0.5 : 0.001; };
  int wrong = 0;
  for (uint64_t seed = 0; seed < 300; ++seed)
    wrong += detected({.share = 0.2, .first = waves, .second = waves, .requests = 6'000}, 0.05, seed) != 0 ? 1 : 0;
  EXPECT_LE(wrong, 15 + 12);
}

TEST(TwoArms, a_fault_is_found_after_a_few_requests) {
  const auto well = [](int) { return 0.001; };
  const auto ill = [](int) { return 0.05; };
  // With both rates known, ln(1/alpha) / KL(0.05, 0.001) = 31 requests would do at alpha 0.01.
  EXPECT_LT(median_detection({.first = ill, .second = well, .requests = 100'000}, 0.01), 75);
  const Traffic tolerant{.delta = 0.01, .first = ill, .second = well, .requests = 100'000};
  EXPECT_LT(median_detection(tolerant, 0.01), 200);
  const auto dead = [](int) { return 1.0; };
  EXPECT_LT(median_detection({.first = dead, .second = well, .requests = 10'000}, 0.01), 5);
}

TEST(TwoArms, that_arms_are_alike_can_be_shown_too) {
  // "worse by 0.01 or more" is refuted by successes: mean of (1 - failed) <= that of the other - 0.01.
  const auto works = [](int) { return 0.999; };
  const Traffic shown{
      .share = 0.3, .delta = -0.01, .expected = 0.99, .first = works, .second = works, .requests = 30'000};
  const int at = median_detection(shown, 0.01);
  EXPECT_GT(at, 0);
  EXPECT_LT(at, 1'500);
  const auto worse = [](int) { return 0.989; };
  const Traffic edge{
      .share = 0.3, .delta = -0.01, .expected = 0.99, .first = worse, .second = works, .requests = 10'000};
  int wrong = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) wrong += detected(edge, 0.05, seed) != 0 ? 1 : 0;
  EXPECT_LE(wrong, 10 + 10);
}

TEST(TwoArms, no_block_without_both_arms_is_evidence) {
  TwoArmEvidence evidence(0.01, 0.1);
  EXPECT_EQ(evidence.log_evidence(), 0);
  evidence.add(coins(5, 5), {});
  evidence.add({}, coins(0, 9));
  EXPECT_EQ(evidence.log_evidence(), 0);
  EXPECT_EQ(evidence.first().n, 5);
  EXPECT_EQ(evidence.first().sum, 5);
  EXPECT_EQ(evidence.second().n, 9);
}

TEST(TwoArms, extremes_stay_finite) {
  for (const double delta : {-0.999, 0.0, 0.999})
    for (const double expected : {0.0, 0.5, 1.0}) {
      TwoArmEvidence evidence(delta, expected);
      for (int i = 0; i < 2'000; ++i) evidence.add(coins(1, 1), coins(0, 3));
      for (int i = 0; i < 2'000; ++i) evidence.add(coins(0, 1), coins(3, 3));
      EXPECT_TRUE(std::isfinite(evidence.log_evidence())) << delta << " " << expected;
    }
}

TEST(TwoArms, what_is_stored_goes_on_as_if_nothing_had_happened) {
  TwoArmEvidence whole(0.01, 0.05), before(0.01, 0.05), after(0.01, 0.9);
  for (int i = 0; i < 500; ++i) {
    const auto first = coins(i % 7 == 0, 1), second = coins(i % 11 == 0, 4);
    whole.add(first, second);
    if (i < 250) before.add(first, second);
    if (i == 250) {
      EXPECT_TRUE(after.restore(*parse_json(to_text(before.to_json()), "evidence")));
    }
    if (i >= 250) after.add(first, second);
  }
  EXPECT_EQ(after.log_evidence(), whole.log_evidence());
  EXPECT_EQ(after.to_json(), whole.to_json());
}

TEST(TwoArms, what_was_not_stored_by_us_is_refused) {
  TwoArmEvidence evidence(0.01, 0.05);
  const Json good = evidence.to_json();
  for (const char* key : {"delta", "first", "second", "log_wealth", "estimate"}) {
    Json bad = good;
    bad[key] = "x";
    EXPECT_EQ(evidence.restore(bad).error().code(), Code::corrupt) << key;
    bad.erase(key);
    EXPECT_EQ(evidence.restore(bad).error().code(), Code::corrupt) << key;
  }
  EXPECT_FALSE(TwoArmEvidence(0.02, 0.05).restore(good)) << "of another claim";
  EXPECT_FALSE(evidence.restore(Json::array()));
  EXPECT_TRUE(evidence.restore(good));
}

TEST(TwoArms, evidence_of_two_servers_is_one_evidence) {
  TwoArmEvidence one(0, 0.01), two(0, 0.01);
  for (int i = 0; i < 40; ++i) {
    one.add(coins(i % 4 == 0, 1), coins(0, 5));
    two.add(coins(i % 5 == 0, 1), coins(0, 3));
  }
  auto both = one, other = two;
  both.merge(two);
  other.merge(one);
  EXPECT_NEAR(both.log_evidence(), other.log_evidence(), 1e-12);
  EXPECT_GT(both.log_evidence(), std::max(one.log_evidence(), two.log_evidence()));
  EXPECT_EQ(both.first().n, 80);
  EXPECT_EQ(both.second().n, 320);
}

TEST(TwoArms, weighted_evidence_is_a_mean) {
  const double weights[] = {0.25, 0.75, 0}, logs[] = {std::log(8.0), 0, 700};
  EXPECT_NEAR(log_mean_evidence(weights, logs), std::log(0.25 * 8 + 0.75), 1e-12);
  const double huge[] = {5'000, 4'000, -1e300};
  EXPECT_NEAR(log_mean_evidence(weights, huge), 5'000 + std::log(0.25), 1e-9);
}

}  // namespace
}  // namespace millrace::stats
