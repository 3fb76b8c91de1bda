#include "data/contracts/backtest.h"

#include "data/testing.h"
#include "stats/hyperloglog.h"

namespace millrace::data {
namespace {

constexpr const char* kBefore =
    "properties:\n  - {name: a, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 100}}\n"
    "  - {name: s, logicalType: string, quality: [{metric: nullValues, unit: percent, mustBeLessThan: 50}]}\n"
    "quality:\n  - {name: small, type: custom, engine: millrace, implementation: {metric: expression, expression: a < "
    "50}}";

// Ten daily batches; in the third a is 90 once and one text is missing.
struct Days {
  Contract before = *parse_contract(testing::contract_text(kBefore), "before");
  std::vector<PastVersion> versions;
  Days() {
    for (int day = 0; day < 10; ++day) {
      testing::Trial trial;
      const auto report = trial.run(kBefore, day == 2 ? "a,s\n1,x\n90,\n3,y\n4,x\n" : "a,s\n1,x\n2,y\n3,y\n4,x\n");
      EXPECT_TRUE(report.ok()) << report.error().text();
      const Micros from = *parse_time("2013-01-01") + day * 86'400'000'000;
      versions.push_back({.node = fmt::format("dataset:t@{}", day + 1),
                          .findings = report->to_json(),
                          .under_before = true,
                          .from = from,
                          .to = from + 86'400'000'000,
                          .recorded_at = from});
    }
  }
  Json run(const std::string& object, bool with_before = true) const {
    const auto contract = parse_contract(testing::contract_text(object), "candidate");
    EXPECT_TRUE(contract.ok()) << contract.error().text();
    const auto answer = backtest(*contract, contract->objects[0], with_before ? &before : nullptr, versions);
    EXPECT_TRUE(answer.ok()) << answer.error().text();
    return answer ? *answer : Json();
  }
};

TEST(Backtest, a_tighter_range_or_rate_is_told_by_the_profiles) {
  const auto answer = Days().run(
      "properties:\n  - {name: a, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 80}}\n"
      "  - {name: s, logicalType: string, required: true, quality: [{metric: invalidValues, arguments: {validValues: "
      "[x, y]}, mustBe: 0}]}");
  const auto& range = answer["rules"]["a.range"];
  EXPECT_EQ(range["fired"], 1);
  EXPECT_EQ(range["decided"], 10);
  EXPECT_EQ(range["by"]["profile"], 10);
  EXPECT_EQ(range["fired_on"][0]["version"], "dataset:t@3");
  EXPECT_EQ(answer["rules"]["s.required"]["fired"], 1);
  EXPECT_EQ(answer["rules"]["s.set"]["fired"], 0);
  // One in ten days: about three pages a month; Wilson's interval of 1 in 10 is 0.0179 to 0.4042.
  EXPECT_NEAR(range["pages_a_month"][0].get<double>(), 3.04375, 1e-9);
  EXPECT_NEAR(range["pages_a_month"][1].get<double>(), 30.4375 * 0.017876, 1e-3);
  EXPECT_NEAR(range["pages_a_month"][2].get<double>(), 30.4375 * 0.404150, 1e-3);
  EXPECT_EQ(answer["any"]["fired"], 1) << "both rules on one day are one page";
}

TEST(Backtest, a_rule_that_was_asked_before_is_judged_by_its_stored_value) {
  const std::string changed =
      "properties: [{name: a, logicalType: integer}, {name: s, logicalType: string}]\n"
      "quality: [{name: small, type: custom, engine: millrace, implementation: {metric: expression, expression: a < "
      "50, between: [0, 0.3]}}]";
  EXPECT_EQ(Days().run(changed)["rules"]["small"]["fired"], 0);
  EXPECT_EQ(Days().run(changed)["rules"]["small"]["by"]["finding"], 10);
  const auto stricter = Days().run(
      "properties: [{name: a, logicalType: integer}, {name: s, logicalType: string}]\n"
      "quality: [{name: small, type: custom, engine: millrace, implementation: {metric: expression, expression: a < "
      "50, between: [0, 0.1]}}]");
  EXPECT_EQ(stricter["rules"]["small"]["fired"], 1);
}

TEST(Backtest, what_only_rows_would_tell_is_undecided_and_never_taken_for_holding) {
  const std::string fresh =
      "properties: [{name: a, logicalType: integer}, {name: s, logicalType: string, logicalTypeOptions: {pattern: "
      "'^z'}}]\n"
      "quality: [{name: small, type: custom, engine: millrace, implementation: {metric: expression, expression: a < "
      "40}}]";
  const auto answer = Days().run(fresh);
  for (const auto* rule : {"s.pattern", "small"}) {
    EXPECT_EQ(answer["rules"][rule]["decided"], 0) << rule;
    EXPECT_EQ(answer["rules"][rule]["undecided"], 10) << rule;
    EXPECT_TRUE(answer["rules"][rule]["share"].is_null()) << rule;
  }
  const auto same = Days().run(kBefore, false);
  EXPECT_EQ(same["rules"]["small"]["undecided"], 10) << "without the contract before, stored values have no meaning";
}

TEST(Backtest, needs_a_history) {
  const auto contract = parse_contract(testing::contract_text(kBefore), "c");
  EXPECT_NE(
      backtest(*contract, contract->objects[0], nullptr, {}).error().text().find("there is no history to test on"),
      std::string::npos);
}

constexpr const char* kAnomalies =
    "properties: [{name: a, logicalType: integer}]\n"
    "quality:\n  - {name: many, type: custom, engine: millrace, implementation: {metric: anomaly, of: row_count, "
    "false_alarms_a_month: 2}}\n"
    "  - {name: drift, type: custom, engine: millrace, implementation: {metric: distribution, column: a, statistic: "
    "total_variation, between: [0, 0.2]}}";

// A year of days whose rows vary a little; `odd` is a day with twice as many.
std::vector<PastVersion> year(int odd) {
  std::vector<PastVersion> out;
  const Micros first = *parse_time("2013-01-01");
  for (int day = 0; day < 365; ++day) {
    const int64_t rows =
        (day == odd ? 2 : 1) * (1'000 + static_cast<int64_t>(stats::mix(static_cast<uint64_t>(day)) % 41));
    const Json column{{"type", "integer"},
                      {"count", rows},
                      {"histogram", {{"edges", {0.5, 1.5}}, {"counts", {rows / 2, rows - rows / 2, 0}}}}};
    out.push_back({.node = fmt::format("dataset:t@{}", day + 1),
                   .findings = {{"verdict", "accepted"}, {"profile", {{"rows", rows}, {"columns", {{"a", column}}}}}},
                   .from = first + day * 86'400'000'000,
                   .to = first + (day + 1) * 86'400'000'000});
  }
  std::reverse(out.begin(), out.end());  // the order that they are told in does not matter
  return out;
}

TEST(Backtest, rules_by_history_are_judged_at_each_version_as_they_would_have_been_then) {
  const auto contract = *parse_contract(testing::contract_text(kAnomalies), "candidate");
  const auto good = backtest(contract, contract.objects[0], nullptr, year(-1));
  ASSERT_TRUE(good.ok()) << good.error().text();
  // Noise raises a few: two a month are allowed.
  const auto few = (*good)["rules"]["many"]["fired"].get<int64_t>();
  EXPECT_LE(few, 12);
  EXPECT_EQ((*good)["rules"]["many"]["undecided"], 8);
  EXPECT_EQ((*good)["rules"]["drift"]["undecided"], 1);
  EXPECT_EQ((*good)["budget"]["judged"], 357);
  EXPECT_EQ((*good)["budget"]["allowed_a_month"], 2.0);
  EXPECT_EQ((*good)["budget"]["verdict"], "within");
  const auto odd = backtest(contract, contract.objects[0], nullptr, year(200));
  ASSERT_TRUE(odd.ok());
  EXPECT_EQ((*odd)["budget"]["fired"], few + 1);
  const auto& fired_on = (*odd)["rules"]["many"]["fired_on"];
  EXPECT_TRUE(std::any_of(fired_on.begin(), fired_on.end(), [](const Json& one) {
    return one["version"] == "dataset:t@201";
  })) << fired_on;
}

}  // namespace
}  // namespace millrace::data
