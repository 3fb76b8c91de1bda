// The guardrail on what decisions are worth: labels come late, and a canary that decides worse is found by them.
#include <gtest/gtest.h>

#include <deque>

#include "serve/judge/judge.h"
#include "stats/sequential/testing.h"

namespace millrace::serve {
namespace {

using registry::Guardrail;
using registry::GuardrailKind;
using registry::RolloutPolicy;
using stats::testing::Dice;

const registry::Outcomes kFlights{
    .true_positive = 60, .false_positive = -15, .false_negative = -40, .true_negative = 0};

RolloutPolicy by_value(double alpha, double per_1000) {
  return {.alpha = alpha,
          .guardrails = {{.kind = GuardrailKind::value,
                          .tolerance = per_1000 / 1'000 / kFlights.span(),
                          .worth = kFlights,
                          .currency = "USD"}}};
}

RolloutSubject subject(double canary_threshold = 0.5) {
  RolloutSubject out{.deployment = "late", .workspace = "default", .stable = {.version = 1}, .canary = {.version = 2}};
  out.stable.threshold = 0.5;
  out.canary.threshold = canary_threshold;
  return out;
}

// Scores are right (a row scored p is positive with the chance p); a canary may know less: with the chance `blind` its
// score has nothing to do with the row.
bool is_found(Judge& judge, uint64_t seed, double blind, int requests = 6'000, size_t delay = 500) {
  Dice dice(seed);
  std::deque<std::pair<uint64_t, bool>> later;
  for (int i = 1; i <= requests; ++i) {
    Observation seen{.canary = dice.coin(0.3), .scores = 1, .prediction = static_cast<uint64_t>(i)};
    const double chance = dice.uniform();
    later.emplace_back(seen.prediction, dice.coin(chance));
    seen.score[0] = static_cast<float>(seen.canary && dice.coin(blind) ? dice.uniform() : chance);
    EXPECT_FALSE(judge.see(seen, 1)) << "only labels say what it was worth";
    if (later.size() <= delay) continue;
    if (judge.label(later.front().first, later.front().second, 2)) return true;
    later.pop_front();
  }
  return false;
}

TEST(Value, a_canary_that_decides_worse_is_found_by_delayed_labels) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Judge judge(subject(), by_value(0.01, 1'000), 0);
    EXPECT_TRUE(is_found(judge, seed, 0.6)) << to_pretty(judge.report());
    const auto report = judge.report();
    EXPECT_EQ(report["blamed"], "value");
    const auto& guard = report["guardrails"][0];
    EXPECT_EQ(guard["currency"], "USD");
    EXPECT_NEAR(guard["per_1000"].get<double>(), 1'000, 1e-6);
    // The stable arm is worth 15,625 per 1,000: 60 x 0.375 - 15 x 0.125 - 40 x 0.125.
    EXPECT_LE(guard["stable"]["low"].get<double>(), 15'625);
    EXPECT_GE(guard["stable"]["high"].get<double>(), 15'625);
    EXPECT_LT(guard["difference"]["high"].get<double>(), guard["canary"]["high"].get<double>());
    EXPECT_LT(guard["canary"]["value"].get<double>(), guard["stable"]["value"].get<double>());
  }
}

TEST(Value, one_that_decides_as_well_is_shown_to) {
  Judge judge(subject(), by_value(0.01, 5'000), 0);
  EXPECT_FALSE(is_found(judge, 1, 0, 12'000));
  EXPECT_TRUE(judge.state().safe) << to_pretty(judge.report());
}

// Three standard errors of 400 runs at alpha 0.05 are 13. At the tolerance: blind by 0.5 loses 7,187 of 15,625, half of
// the way to 1,250.
TEST(Value, false_alarms_are_no_more_often_than_alpha) {
  int alike = 0, at_tolerance = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Judge same(subject(), by_value(0.05, 0), 0), worse(subject(), by_value(0.05, 7'188), 0);
    alike += is_found(same, seed, 0, 3'000) ? 1 : 0;
    at_tolerance += is_found(worse, seed, 0.5, 3'000) ? 1 : 0;
  }
  RecordProperty("false_rollbacks_alike", alike);
  RecordProperty("false_rollbacks_at_the_tolerance", at_tolerance);
  EXPECT_LE(alike, 20 + 13);
  EXPECT_LE(at_tolerance, 20 + 13);
}

TEST(Value, each_arm_decides_by_its_own_threshold) {
  Judge judge(subject(0.95), by_value(0.01, 1'000), 0);
  EXPECT_TRUE(is_found(judge, 3, 0)) << "the same scores, and it hardly ever warns";
}

TEST(Value, beside_the_loss_each_sees_the_same_labels) {
  auto policy = by_value(0.01, 1'000);
  policy.guardrails.insert(policy.guardrails.begin(), Guardrail{.kind = GuardrailKind::loss, .tolerance = 0.02});
  Judge judge(subject(), policy, 0);
  EXPECT_FALSE(is_found(judge, 5, 0, 2'000));
  const auto report = judge.report();
  EXPECT_EQ(report["guardrails"][0]["compared"], report["guardrails"][1]["compared"]);
  Judge again(subject(), policy, 0);
  ASSERT_TRUE(again.restore(judge.save()));
  EXPECT_EQ(again.report(), report);
}

}  // namespace
}  // namespace millrace::serve
