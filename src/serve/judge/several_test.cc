// Several servers judge one canary with what all of them have seen.
#include <gtest/gtest.h>

#include <memory>

#include "serve/judge/judge.h"
#include "stats/sequential/testing.h"

namespace millrace::serve {
namespace {

using registry::GuardrailKind;
using registry::RolloutPolicy;
using stats::testing::Dice;

RolloutPolicy policy(double alpha = 0.01) {
  return {.alpha = alpha,
          .guardrails = {{.kind = GuardrailKind::errors, .tolerance = 0.01},
                         {.kind = GuardrailKind::latency, .quantile = 0.9, .ratio = 1.5}}};
}

RolloutSubject subject(int64_t version = 2) {
  return {.deployment = "late", .workspace = "default", .stable = {.version = 1}, .canary = {.version = version}};
}

void ask(Judge& judge, Dice& dice, int requests, double canary_errors) {
  for (int i = 0; i < requests; ++i) {
    const bool canary = dice.coin(0.3);
    judge.see({.canary = canary,
               .outcome = dice.coin(canary ? canary_errors : 0.01) ? Outcome::failed : Outcome::answered,
               .duration_us = static_cast<float>(100 + 100 * dice.uniform())},
              5);
  }
}

TEST(Several, together_find_what_each_alone_does_not_know_yet) {
  int found = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Dice dice(seed);
    Judge one(subject(), policy(), 0), other(subject(), policy(), 0), third(subject(), policy(), 0);
    for (auto* judge : {&one, &other, &third}) {
      judge->at_release(1, 0.3);
      ask(*judge, dice, 150, 0.08);
    }
    if (one.out() || other.out() || third.out()) continue;
    const double alone = one.report()["log_e_value"];
    const bool out = one.count_with({other.save(), third.save()}, 6);
    EXPECT_EQ(out, one.out());
    found += out ? 1 : 0;
    const auto report = one.report();
    EXPECT_NE(report["log_e_value"].get<double>(), alone);
    EXPECT_EQ(report["servers"], 3);
    EXPECT_EQ(report["requests"]["canary"].get<int>() + report["requests"]["stable"].get<int>(), 450);
    EXPECT_GT(report["guardrails"][1]["compared"]["stable"].get<int>(),
              other.report()["guardrails"][1]["compared"]["stable"].get<int>());
    EXPECT_EQ(to_text(Json(one.state().step_answers)), to_text(report["requests"]["canary"]));
  }
  EXPECT_GT(found, 5);
}

// Two servers, each of which hears of the other every fifty requests.
int false_alarms(int rollouts, double alpha) {
  int out = 0;
  for (uint64_t seed = 0; seed < static_cast<uint64_t>(rollouts); ++seed) {
    Dice dice(seed);
    Judge one(subject(), policy(alpha), 0), other(subject(), policy(alpha), 0);
    for (int turn = 0; turn < 30 && !one.out() && !other.out(); ++turn) {
      ask(one, dice, 50, 0.0199);
      ask(other, dice, 50, 0.0199);
      one.count_with({other.save()}, 6);
      other.count_with({one.save()}, 6);
    }
    out += one.out() || other.out() ? 1 : 0;
  }
  return out;
}

TEST(Several, at_the_tolerance_are_wrong_no_more_often_than_alpha) { EXPECT_LE(false_alarms(200, 0.05), 10 + 9); }

TEST(Several, what_is_of_another_rollout_or_damaged_does_not_count_and_what_is_saved_is_ones_own) {
  Dice dice(1);
  Judge one(subject(), policy(), 0), other(subject(3), policy(), 0), same(subject(), policy(), 0);
  ask(one, dice, 200, 0.01);
  ask(other, dice, 200, 0.5);
  ask(same, dice, 200, 0.01);
  const auto alone = one.report();
  EXPECT_FALSE(one.count_with({other.save(), Json{{"guards", 3}}, Json(nullptr)}, 6));
  EXPECT_EQ(one.report(), alone);
  const auto saved = to_text(one.save());
  one.count_with({same.save()}, 6);
  EXPECT_EQ(to_text(one.save()), saved) << "else two servers would count each other again and again";
  one.count_with({}, 6);
  EXPECT_EQ(one.report(), alone) << "the others replace what was given before";
}

}  // namespace
}  // namespace millrace::serve
