// One version on both arms, and units that count once.
#include <gtest/gtest.h>

#include "serve/judge/judge.h"
#include "stats/sequential/testing.h"

namespace millrace::serve {
namespace {

using registry::GuardrailKind;
using registry::RolloutPolicy;
using stats::testing::Dice;

RolloutPolicy errors_at_most(double tolerance, double alpha) {
  return {.alpha = alpha,
          .steps = {0.2, 0.5},
          .min_rows = 100,
          .guardrails = {{.kind = GuardrailKind::errors, .tolerance = tolerance}}};
}

RolloutSubject subject() {
  return {.deployment = "late", .workspace = "default", .stable = {.version = 1}, .canary = {.version = 1}};
}

Observation request(bool canary, bool failed, uint64_t unit = 0) {
  return {.canary = canary, .outcome = failed ? Outcome::failed : Outcome::answered, .unit = unit};
}

TEST(AA, counts_false_alarms_over_many_runs_and_decides_nothing) {
  auto policy = errors_at_most(0, 0.2);
  policy.aa = true;
  Judge judge(subject(), policy, 0);
  Dice dice(1);
  for (int i = 0; i < 400'000; ++i) EXPECT_FALSE(judge.see(request(dice.coin(0.5), dice.coin(0.2)), 5));
  EXPECT_FALSE(judge.out());
  EXPECT_FALSE(judge.state().harm);
  const auto aa = judge.report()["aa"];
  EXPECT_EQ(aa["run_requests"], 200);
  const auto runs = aa["runs"].get<int>(), alarms = aa["false_alarms"].get<int>();
  EXPECT_GE(runs, 990);
  EXPECT_GT(alarms, 0) << "a test that cannot alarm shows nothing";
  EXPECT_LE(alarms, runs / 5) << "at most alpha";
  EXPECT_LE(aa["rate"]["low"].get<double>(), aa["rate"]["value"].get<double>());
  Judge again(subject(), policy, 0);
  ASSERT_TRUE(again.restore(judge.save()));
  EXPECT_EQ(again.report()["aa"], aa);
}

TEST(AA, a_real_difference_is_an_alarm_in_each_run_and_still_decides_nothing) {
  auto policy = errors_at_most(0.01, 0.01);
  policy.aa = true;
  Judge judge(subject(), policy, 0);
  Dice dice(2);
  for (int i = 0; i < 5'000; ++i) {
    const bool canary = dice.coin(0.5);
    EXPECT_FALSE(judge.see(request(canary, canary), 5));
  }
  const auto aa = judge.report()["aa"];
  EXPECT_GT(aa["runs"].get<int>(), 50);
  EXPECT_EQ(aa["runs"], aa["false_alarms"]);
  EXPECT_FALSE(judge.out());
}

// A tenth of the units are broken for good and ask fifty times as often as the others: whichever arm they fall to.
int rolled_back(bool count_units) {
  int out = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    auto policy = errors_at_most(0.01, 0.05);
    policy.units = count_units;
    Judge judge(subject(), policy, 0);
    Dice dice(seed);
    for (int i = 0; i < 4'000 && !judge.out(); ++i) {
      const auto loud = dice.coin(0.5);
      const auto unit = static_cast<uint64_t>(dice.uniform() * (loud ? 20 : 4'000)) + (loud ? 0 : 1'000) + 1;
      Dice fate(unit * 7'919 + seed * 104'729);
      const bool canary = fate.coin(0.5), broken = fate.coin(0.1);
      judge.see(request(canary, broken, unit), 5);
    }
    out += judge.out() ? 1 : 0;
  }
  return out;
}

TEST(Units, loud_ones_bring_false_alarms_as_requests_and_none_as_units) {
  EXPECT_GT(rolled_back(false), 40) << "far more often than alpha: requests of one unit are one piece of evidence";
  EXPECT_LE(rolled_back(true), 10 + 10);
}

TEST(Units, count_once_in_the_look_back_and_again_after_it) {
  auto policy = errors_at_most(0.01, 0.05);
  policy.units = true;
  Judge judge(subject(), policy, 0);
  for (int i = 0; i < 100; ++i) judge.see(request(true, false, 7), 5);
  EXPECT_EQ(judge.report()["requests"]["canary"], 1);
  for (uint64_t unit = 100; unit < 100 + 2 * limits::judged_units; ++unit) judge.see(request(false, false, unit), 5);
  judge.see(request(true, false, 7), 5);
  EXPECT_EQ(judge.report()["requests"]["canary"], 2) << "what is kept is bounded";
  EXPECT_EQ(judge.report()["policy"]["count"], "units");
}

}  // namespace
}  // namespace millrace::serve
