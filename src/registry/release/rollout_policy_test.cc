#include "registry/release/rollout_policy.h"

#include <gtest/gtest.h>

#include "registry/release/snapshot.h"

namespace millrace::registry {
namespace {

Result<RolloutPolicy> read(const std::string& text) {
  const auto yaml = parse_yaml("rollout: " + text + "\n", "millrace.yaml");
  EXPECT_TRUE(yaml) << yaml.error().text();
  return read_rollout(*yaml->find("rollout"));
}

// "message | hint", with a place.
std::string refused(const std::string& text) {
  const auto policy = read(text);
  if (policy) return "ok";
  EXPECT_EQ(policy.error().code(), Code::invalid);
  EXPECT_GT(policy.error().where().line, 0) << policy.error().text();
  return policy.error().message() + " | " + policy.error().hint();
}

TEST(RolloutPolicy, may_leave_everything_out) {
  const auto policy = read("{}");
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_EQ(to_text(to_json(*policy)),
            R"({"alpha":0.01,"guardrails":[{"guardrail":"errors","tolerance":0.01},{"guardrail":"refusals",)"
            R"("tolerance":0.02},{"guardrail":"latency","quantile":0.99,"ratio":1.5}],"min_rows":500,)"
            R"("promote":"automatic","steps":[0.05,0.2,0.5]})");
  EXPECT_EQ(to_json(*read("")), to_json(*policy));
}

TEST(RolloutPolicy, takes_what_is_written_and_comes_back_from_a_snapshot) {
  const auto policy = read(
      "{alpha: 0.001, steps: [0.1, 0.9], min_rows: 20, promote: manual, guardrails: {prediction_shift: {tolerance: "
      "0.05}, errors: , latency: {quantile: 0.5}, loss: {tolerance: 0}}}");
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_FALSE(policy->automatic);
  ASSERT_EQ(policy->guardrails.size(), 4U);
  EXPECT_EQ(policy->guardrails[0].kind, GuardrailKind::errors) << "in the order of their kinds";
  EXPECT_EQ(policy->guardrails[1].quantile, 0.5);
  EXPECT_EQ(policy->guardrails[1].ratio, 1.5);
  EXPECT_EQ(policy->guardrails[3].tolerance, 0);
  const std::string digest = "sha256:" + std::string(64, 'a');
  ReleaseSnapshot snapshot{.deployment = "late", .release = 1, .rollout = *policy};
  snapshot.stable = {.model = "late", .version = 1, .digest = digest, .file = "files/a.onnx"};
  const auto again = parse_snapshot(to_text(to_json(snapshot)), "test");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(to_json(*again->rollout), to_json(*policy));
  const Json whole = to_json(*policy);
  for (const auto& [key, value] : whole.items()) {
    if (key == "promote") continue;
    Json bad = to_json(snapshot);
    bad["rollout"].erase(key);
    const auto refused = parse_snapshot(to_text(bad), "test");
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().code(), Code::corrupt) << key;
  }
}

TEST(RolloutPolicy, refuses_with_place_and_way_out) {
  EXPECT_EQ(refused("x"), "rollout is a map | write e.g. rollout: {alpha: 0.01, steps: [0.05, 0.2, 0.5]}");
  EXPECT_EQ(refused("{alfa: 1}"),
            "unknown key 'alfa' | known keys: alpha, steps, min_rows, count, promote, guardrails");
  EXPECT_EQ(refused("{alpha: 0}"), "alpha is 0, and must be from 1e-9 to 0.5 | ");
  EXPECT_EQ(refused("{steps: []}"), "steps is a list of shares | write e.g. steps: [0.05, 0.2, 0.5]");
  EXPECT_EQ(refused("{steps: [0.5, 1]}"),
            "the step 1 must be above 0 and below 1 | all of the traffic is the promotion");
  EXPECT_EQ(refused("{steps: [0.5, 0.5]}"), "the step 0.5 does not come after 0.5 | write growing shares");
  std::string many = "{steps: [";
  for (int i = 1; i <= 21; ++i) many += (i > 1 ? ", " : "") + std::to_string(i * 0.01);
  EXPECT_EQ(refused(many + "]}"), "a rollout has at most 20 steps | ");
  EXPECT_EQ(refused("{min_rows: 0}"), "min_rows is 0, and must be from 1 to 100000000 | ");
  EXPECT_EQ(refused("{promote: never}"), "promote is 'never' | write automatic or manual");
  EXPECT_EQ(refused("{guardrails: {}}"),
            "guardrails is a map of what the canary may not do worse | write e.g. guardrails: {errors: {tolerance: "
            "0.01}, latency: {quantile: 0.99, ratio: 1.5}}");
  EXPECT_EQ(refused("{guardrails: {error: {}}}"), "there is no guardrail 'error' | did you mean 'errors'?");
  EXPECT_EQ(refused("{guardrails: {cost: {}}}"),
            "there is no guardrail 'cost' | there are: errors, refusals, latency, prediction_shift, loss, value");
  EXPECT_EQ(refused("{guardrails: {errors: {ratio: 2}}}"), "unknown key 'ratio' | known keys: tolerance");
  EXPECT_EQ(refused("{guardrails: {errors: {tolerance: 1}}}"), "tolerance is 1, and must be from 0 to below 1 | ");
  EXPECT_EQ(refused("{guardrails: {latency: {quantile: 99}}}"), "quantile is 99, and must be above 0 and below 1 | ");
  EXPECT_EQ(refused("{guardrails: {latency: {ratio: 0.5}}}"), "ratio is 0.5, and must be from 1 to 1000 | ");
  EXPECT_NE(refused("{guardrails: {latency: {ratio: .nan}}}").find("number"), std::string::npos);
}

const char* const kValue =
    "{currency: USD, true_positive: 60, false_positive: -15, false_negative: -40, true_negative: 0}";

// With `value` as the deployment's section of that name.
Result<RolloutPolicy> read_with_value(const std::string& guardrails, const std::string& value) {
  const auto yaml = parse_yaml("rollout: {guardrails: " + guardrails + "}\nvalue: " + value + "\n", "millrace.yaml");
  EXPECT_TRUE(yaml) << yaml.error().text();
  return read_rollout(*yaml->find("rollout"), yaml->find("value"));
}

TEST(RolloutPolicy, a_guardrail_on_value_is_in_money_and_keeps_what_it_was_made_under) {
  const auto policy = read_with_value("{value: {per_1000: 500}}", kValue);
  ASSERT_TRUE(policy) << policy.error().text();
  EXPECT_EQ(policy->guardrails[0].tolerance, 0.005) << "500 of 100,000, which 1,000 decisions differ in at the most";
  const auto json = to_json(*policy);
  EXPECT_EQ(json["guardrails"][0]["per_1000"], 500);
  EXPECT_EQ(json["guardrails"][0]["outcomes"]["false_negative"], -40);
  const auto again = rollout_of_json(*parse_json(to_text(json), "test"));
  ASSERT_TRUE(again);
  EXPECT_EQ(to_json(*again), json);
  EXPECT_EQ(read_with_value("{value: }", kValue)->guardrails[0].tolerance, 0.02);
  auto bad = json;
  bad["guardrails"][0].erase("outcomes");
  EXPECT_FALSE(rollout_of_json(bad));
}

TEST(RolloutPolicy, a_guardrail_on_value_says_what_is_wrong_and_where) {
  const auto refused = [](const std::string& guardrails, const std::string& value) {
    const auto policy = read_with_value(guardrails, value);
    if (policy) return std::string("ok");
    EXPECT_GT(policy.error().where().line, 0);
    return policy.error().message();
  };
  EXPECT_EQ(refused("{value: {per_1000: -1}}", kValue),
            "per_1000 is -1, and must be from 0 to below 100000 USD, what 1,000 decisions differ in at the most");
  EXPECT_EQ(refused("{value: {per_1000: 100000}}", kValue).substr(0, 18), "per_1000 is 100000");
  EXPECT_EQ(refused("{value: {per_1000: 5}}", "{currency: USD, true_positive: 1}"), "'false_positive' is missing");
  EXPECT_EQ(refused("{value: }",
                    "{currency: USD, true_positive: 1, false_positive: 1, false_negative: 1, "
                    "true_negative: 1}"),
            "all four outcomes are worth the same, so no canary could be worth less");
  EXPECT_NE(refused("{value: {tolerance: 0.1}}", kValue), "ok");
  const auto without = read("{guardrails: {value: {per_1000: 5}}}");
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().message(), "the guardrail 'value' needs what decisions are worth");
}

TEST(RolloutPolicy, counts_requests_unless_units_are_asked_for) {
  EXPECT_FALSE(read("{count: requests}")->units);
  const auto units = read("{count: units}");
  ASSERT_TRUE(units && units->units);
  EXPECT_TRUE(rollout_of_json(to_json(*units))->units);
  EXPECT_EQ(read("{count: rows}").error().message(), "count is 'rows'");
}

}  // namespace
}  // namespace millrace::registry
