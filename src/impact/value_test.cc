#include "impact/value.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/testing.h"

namespace millrace::impact {
namespace {

class Values : public ::testing::Test {
 protected:
  testing::Folder folder;

  Result<std::vector<ValueSpec>> read(const std::string& value) {
    const std::string text =
        "millrace: 1\nproject: flights\npipeline:\n  stages:\n    train: {cmd: sh t.sh, outs: [m.onnx]}\nmodels:\n  "
        "late: {stage: train, file: m.onnx, contract: c.yaml, label: late}\ndeployments:\n  late: {model: late, unit: "
        "tailnum}\n" +
        value;
    EXPECT_TRUE(write_file(folder / "millrace.yaml", text));
    MILLRACE_TRY(const auto project, load_project(folder.path()));
    return read_values(project);
  }
  std::string said(const std::string& value) {
    const auto found = read(value);
    if (found) return "ok";
    std::string out = found.error().message();
    if (!found.error().where().field.empty()) out += " @" + found.error().where().field;
    if (!found.error().hint().empty()) out += " -> " + found.error().hint();
    return out;
  }
};

constexpr const char* kGood =
    "value:\n  late: {currency: USD, true_positive: 60, false_positive: -15, false_negative: -40, true_negative: 0, "
    "cost: {cpu_hour: 0.05, label: 0.2}}\n";

TEST_F(Values, reads_outcomes_and_prices) {
  const auto found = read(kGood);
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->size(), 1U);
  const auto& spec = found->front();
  EXPECT_EQ(spec.deployment, "late");
  EXPECT_EQ(spec.currency, "USD");
  EXPECT_EQ(spec.outcomes.false_negative, -40);
  EXPECT_EQ(spec.prices.cpu_hour, 0.05);
  EXPECT_EQ(spec.prices.label, 0.2);
}

TEST_F(Values, are_empty_without_the_section_and_free_without_prices) {
  const auto none = read("");
  ASSERT_TRUE(none) << none.error().text();
  EXPECT_TRUE(none->empty());
  const auto free = read(
      "value:\n  late: {currency: EUR, true_positive: 1, false_positive: 0, false_negative: 0, true_negative: 0}\n");
  ASSERT_TRUE(free) << free.error().text();
  EXPECT_EQ(free->front().prices.label, 0);
}

TEST_F(Values, refuse_a_deployment_that_is_not_there) {
  EXPECT_EQ(said("value:\n  lata: {currency: USD}\n"),
            "there is no deployment 'lata' @value.lata -> did you mean 'late'?");
  EXPECT_EQ(said("value:\n  something_else: {currency: USD}\n"),
            "there is no deployment 'something_else' @value.something_else -> there are: late");
}

TEST_F(Values, refuse_unknown_keys_with_the_nearest_one) {
  const auto outcome = said("value:\n  late: {currency: USD, true_positiv: 60}\n");
  EXPECT_NE(outcome.find("true_positiv"), std::string::npos) << outcome;
  EXPECT_NE(outcome.find("did you mean 'true_positive'?"), std::string::npos) << outcome;
  const auto price = said(
      "value:\n  late: {currency: USD, true_positive: 1, false_positive: 0, false_negative: 0, true_negative: 0, cost: "
      "{cpu_hours: 1}}\n");
  EXPECT_NE(price.find("did you mean 'cpu_hour'?"), std::string::npos) << price;
}

TEST_F(Values, want_all_four_outcomes) {
  EXPECT_TRUE(said("value:\n  late: {currency: USD, true_positive: 60, false_positive: -15, true_negative: 0}\n")
                  .starts_with("'false_negative' is missing @value.late -> write e.g. {currency: USD"));
}

TEST_F(Values, refuse_numbers_and_currencies_that_mean_nothing) {
  const std::string rest = "false_positive: 0, false_negative: 0, true_negative: 0";
  EXPECT_TRUE(said("value:\n  late: {currency: USD, true_positive: .inf, " + rest + "}\n").find("true_positive") !=
              std::string::npos);
  EXPECT_EQ(said("value:\n  late: {currency: '<b>', true_positive: 1, " + rest + "}\n"),
            "'<b>' is not a currency @value.late.currency -> write its code in capital letters, e.g. USD or EUR");
  EXPECT_EQ(said("value:\n  late: {currency: USD, true_positive: 1, " + rest + ", cost: {label: -1}}\n"),
            "a price is not negative, and this is -1 @value.late.cost.label");
}

}  // namespace
}  // namespace millrace::impact
