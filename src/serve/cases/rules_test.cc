#include "serve/cases/rules.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "engine/engine.h"
#include "serve/testdata/models.h"

namespace millrace::serve {
namespace {

using registry::ReviewRule;

struct CaseRulesTest : ::testing::Test {
  std::vector<TensorSpec> inputs{
      {"carrier", DType::bytes, {-1, 1}}, {"minutes", DType::int64, {-1, 1}}, {"far", DType::uint64, {-1}}};
  std::vector<TensorSpec> outputs{{"group", DType::int64, {-1}}, {"both", DType::fp32, {-1, 2}}};
  std::unique_ptr<engine::Engines> engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
  GuardMode guard = GuardMode::flag;
  std::optional<double> threshold = 0.5;
  std::vector<Flag> flags;
  size_t flagged = 0;
  std::string unit = "N1";

  Result<std::shared_ptr<const CaseRules>> compile(const std::vector<ReviewRule>& rules) {
    return compile_cases(rules,
                         {.deployment = "late",
                          .inputs = inputs,
                          .outputs = outputs,
                          .contract = guard == GuardMode::reject ? "" : testdata::folder() + "/columns.odcs.yaml",
                          .guard = guard,
                          .threshold = threshold,
                          .salt = "salt"},
                         *engines);
  }
  // "message @ field | hint"
  std::string refused(const ReviewRule& rule) {
    const auto done = compile({rule});
    if (done) return "ok";
    return done.error().message() + " @ " + done.error().where().field + " | " + done.error().hint();
  }
  // Rows of three that the rules hold for: carriers AA, BB, CC; minutes 10, 20, 30; scores 0.1, 0.5, 0.9.
  std::string held(const std::vector<ReviewRule>& rules) {
    const auto compiled = compile(rules);
    if (!compiled) return compiled.error().text();
    Tensor carrier{.type = DType::bytes, .shape = {3, 1}, .texts = {"AA", "BB", "CC"}};
    Tensor minutes{.type = DType::int64, .shape = {3, 1}}, far{.type = DType::uint64, .shape = {3}};
    Tensor group{.type = DType::int64, .shape = {3}}, both{.type = DType::fp32, .shape = {3, 2}};
    for (int64_t i = 0; i < 3; ++i) {
      minutes.push(10 * (i + 1));
      far.push(i == 2 ? ~uint64_t{0} : static_cast<uint64_t>(i));
      group.push(i);
    }
    for (const float score : {0.1F, 0.5F, 0.9F}) both.push(1 - score), both.push(score);
    const std::vector<Tensor> in{carrier, minutes, far}, out{group, both};
    const std::vector<size_t> wanted{0, 1};
    const auto found = (*compiled)->find({.inputs = in,
                                          .wanted = wanted,
                                          .outputs = out,
                                          .flags = flags,
                                          .flagged = flagged,
                                          .unit = unit,
                                          .prediction_id = "p"});
    if (!found) return "none";
    std::string text = found->rule + ":";
    for (const auto row : found->rows) text += " " + std::to_string(row);
    return text;
  }
  std::string held(const std::string& when) { return held({{.name = "r", .when = when, .flag = ""}}); }
};

TEST_F(CaseRulesTest, a_condition_speaks_of_score_label_inputs_and_outputs) {
  EXPECT_EQ(held("score BETWEEN 0.45 AND 0.55"), "r: 1");
  EXPECT_EQ(held("label = 1"), "r: 1 2") << "the threshold is 0.5";
  EXPECT_EQ(held("minutes > 10 AND carrier IN ('AA', 'BB')"), "r: 1");
  EXPECT_EQ(held("\"group\" = 2 OR carrier = 'AA'"), "r: 0 2");
  EXPECT_EQ(held("score > 0.95"), "none");
  EXPECT_EQ(held("far >= 0"), "r: 0 1") << "beyond 64 bits there is no value";
  EXPECT_EQ(held("minutes * 9223372036854775807 > 0"), "r: 0 1 2") << "what cannot be computed a person sees";
}

TEST_F(CaseRulesTest, the_first_rule_that_holds_names_the_case) {
  EXPECT_EQ(held({{.name = "a", .when = "score > 2", .flag = ""},
                  {.name = "b", .when = "minutes = 30", .flag = ""},
                  {.name = "c", .when = "minutes > 0", .flag = ""}}),
            "b: 2");
}

TEST_F(CaseRulesTest, flags_are_of_a_row_and_a_field) {
  flags = {{.field = "minutes", .rule = "minutes.range", .row = 1}};
  flagged = 1;
  EXPECT_EQ(held({{.name = "r", .when = "", .flag = "any"}}), "r: 1");
  EXPECT_EQ(held({{.name = "r", .when = "", .flag = "minutes"}}), "r: 1");
  EXPECT_EQ(held({{.name = "r", .when = "", .flag = "carrier"}}), "none");
  EXPECT_EQ(held({{.name = "r", .when = "minutes = 30", .flag = "any"}}), "none") << "both hold for one row, or none";
  flagged = 500;
  EXPECT_EQ(held({{.name = "r", .when = "", .flag = "carrier"}}), "r: 0 1 2") << "more were flagged than are known";
}

TEST_F(CaseRulesTest, a_share_takes_the_same_units_again_and_about_as_many) {
  const auto drawn = [&](const std::string& name) {
    std::vector<bool> out;
    for (int i = 0; i < 400; ++i) {
      unit = "N" + std::to_string(i);
      out.push_back(held({{.name = name, .when = "", .flag = "", .share = 0.25}}) != "none");
    }
    return out;
  };
  const auto first = drawn("a");
  EXPECT_EQ(first, drawn("a"));
  EXPECT_NE(first, drawn("b")) << "rules draw apart from each other";
  EXPECT_NEAR(static_cast<double>(std::count(first.begin(), first.end(), true)), 100, 40);
}

TEST_F(CaseRulesTest, what_a_rule_needs_is_computed_whether_asked_for_or_not) {
  EXPECT_EQ((*compile({{.name = "a", .when = "score > 0.5", .flag = ""}}))->needs(), std::vector<size_t>{1});
  EXPECT_EQ((*compile({{.name = "a", .when = "label = 1 OR \"group\" = 1", .flag = ""}}))->needs().size(), 2U);
  EXPECT_TRUE((*compile({{.name = "a", .when = "minutes > 5", .flag = ""}}))->needs().empty());
  EXPECT_EQ(*compile({}), nullptr);
}

TEST_F(CaseRulesTest, what_there_is_not_is_refused_with_the_nearest) {
  EXPECT_EQ(refused({.name = "r", .when = "minuts > 5", .flag = ""}),
            "the expression names 'minuts', which is no property of 'late' @ deployments.late.review[0].when | did you "
            "mean 'minutes'?");
  EXPECT_EQ(refused({.name = "r", .when = "minutes + 1", .flag = ""}),
            "the expression is integer, not a condition @ deployments.late.review[0].when | write one condition that "
            "compares values of one kind");
  EXPECT_NE(refused({.name = "r", .when = "minutes >", .flag = ""}).find("cannot be read"), std::string::npos);
  EXPECT_EQ(refused({.name = "r", .when = "", .flag = "minuts"}),
            "the rule 'r' waits for a flag of 'minuts', which is no input @ deployments.late.review[0].flag | did you "
            "mean 'minutes'?");
  threshold.reset();
  EXPECT_NE(refused({.name = "r", .when = "label = 1", .flag = ""}).find("names 'label'"), std::string::npos)
      << "without a threshold a score makes no label";
  guard = GuardMode::reject;
  EXPECT_EQ(refused({.name = "r", .when = "", .flag = "any"}),
            "the rule 'r' waits for flags, and this deployment sets none @ deployments.late.review[0].flag | write "
            "guard: clamp or guard: flag beside it; reject refuses what breaks the contract");
}

}  // namespace
}  // namespace millrace::serve
