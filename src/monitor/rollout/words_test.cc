#include "monitor/rollout/words.h"

#include <gtest/gtest.h>

namespace millrace::monitor {
namespace {

using registry::GuardrailKind;

serve::Judge judged(const registry::Guardrail& guardrail) {
  return {{.deployment = "late", .stable = {.model = "late", .version = 1}, .canary = {.model = "late", .version = 2}},
          {.guardrails = {guardrail}},
          0};
}

TEST(Words, a_rollback_says_what_was_seen_and_what_is_tolerated) {
  auto judge = judged({.kind = GuardrailKind::errors, .tolerance = 0.01});
  serve::Observation stable, canary{.canary = true, .outcome = serve::Outcome::failed};
  bool out = false;
  for (int i = 0; i < 50 && !out; ++i) {
    for (int j = 0; j < 8; ++j) judge.see(stable, 1);
    out = judge.see(canary, 1);
  }
  ASSERT_TRUE(out);
  const auto why = why_back(judge.report());
  EXPECT_TRUE(why.starts_with("errors: the share of failed requests is 1 (")) << why;
  EXPECT_NE(why.find("on the canary and 0 (0 to "), std::string::npos) << why;
  EXPECT_NE(why.find("a difference of 0.01 is tolerated; e-value "), std::string::npos) << why;
  EXPECT_NE(why.find(" requests of the canary"), std::string::npos) << why;
}

TEST(Words, the_other_moves_say_how_much_was_seen) {
  const auto report = judged({.kind = GuardrailKind::latency, .quantile = 0.99, .ratio = 1.5}).report();
  EXPECT_EQ(why_on(report, 0.2), "no harm in 0 requests of the canary (e-value 1 of 100): on to a share of 0.2");
  EXPECT_EQ(why_promoted(report),
            "every guardrail is shown to be kept after 0 requests of the canary (e-value of harm 1 of 100)");
}

TEST(Words, what_comes_is_the_next_step_the_end_or_the_way_back) {
  registry::RolloutPolicy policy;
  EXPECT_EQ(what_comes(policy, {.step_answers = 100}, 0.2), "a share of 0.2 after 400 more requests of the canary");
  EXPECT_EQ(what_comes(policy, {.step_answers = 500}, 0.2), "a share of 0.2 now");
  EXPECT_EQ(what_comes(policy, {.step_answers = 500, .doubt = true}, 0.2), "a share of 0.2 once the doubt is gone");
  EXPECT_EQ(what_comes(policy, {.step_answers = 500}, {}), "its promotion once every guardrail is shown to be kept");
  EXPECT_EQ(what_comes(policy, {.step_answers = 500, .safe = true}, {}), "its promotion now");
  policy.automatic = false;
  EXPECT_EQ(what_comes(policy, {.step_answers = 500, .safe = true}, {}), "its promotion by a person now");
  EXPECT_EQ(what_comes(policy, {.harm = true}, 0.2), "the canary goes back");
}

}  // namespace
}  // namespace millrace::monitor
