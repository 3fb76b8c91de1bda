#include <gtest/gtest.h>

#include "impact/impact.h"

namespace millrace::impact {
namespace {

const ValueSpec kSpec{.deployment = "late",
                      .currency = "USD",
                      .outcomes = {.true_positive = 60, .false_positive = -15, .false_negative = -40},
                      .prices = {.cpu_hour = 0.05, .label = 0.2}};

monitor::Window window(const std::string& day, const std::string& arm, int64_t version, const Json& confusion,
                       int64_t requests = 10) {
  monitor::Window out{.deployment = "late", .from = *parse_time(day), .arm = arm, .model = "late", .version = version};
  const int64_t labels = confusion.is_null() ? 0 : 10;
  out.summary = {
      {"requests", requests}, {"labels", labels}, {"latency_us", {{"mean", 3600.0}}}, {"performance", nullptr}};
  if (!confusion.is_null()) out.summary["performance"] = {{"confusion", confusion}};
  return out;
}

const Json kTen{{"tp", 3}, {"fp", 1}, {"fn", 1}, {"tn", 5}};  // worth 125

TEST(Months, give_each_arm_its_value_and_cost) {
  const auto out = months_of({window("2013-08-01", "stable", 1, kTen, 20)}, kSpec);
  ASSERT_EQ(out.at("months").size(), 1U);
  const auto& month = out.at("months").at(0);
  EXPECT_EQ(month.at("month"), "2013-08");
  EXPECT_EQ(month.at("total").at("value"), 125);
  EXPECT_EQ(month.at("gain").at("total").at("value"), 285);
  EXPECT_EQ(month.at("per_1000").at("n"), 10);
  EXPECT_NEAR(month.at("cost_per_1000").at("compute").get<double>(), 0.00005, 1e-12);
  EXPECT_DOUBLE_EQ(month.at("cost_per_1000").at("labels").get<double>(), 100);  // 10 labels of 20 requests, at 0.2
  EXPECT_NEAR(out.at("total").at("cost").get<double>(), 100.00005 * 20 / 1000, 1e-12);
}

TEST(Months, add_weeks_up) {
  const auto out = months_of({window("2013-08-05", "stable", 1, kTen), window("2013-08-12", "stable", 1, kTen),
                              window("2013-09-02", "stable", 1, kTen)},
                             kSpec);
  ASSERT_EQ(out.at("months").size(), 2U);
  EXPECT_EQ(out.at("months").at(0).at("labels"), 20);
  EXPECT_EQ(out.at("months").at(0).at("total").at("value"), 250);
  EXPECT_EQ(out.at("total").at("value").at("value"), 375);
}

TEST(Months, leave_out_what_is_counted_twice_or_answered_nobody) {
  const auto out = months_of({window("2013-08-01", "all", 0, kTen), window("2013-08-01", "stable", 1, kTen),
                              window("2013-08-01", "shadow", 2, kTen)},
                             kSpec);
  ASSERT_EQ(out.at("months").size(), 2U);
  EXPECT_EQ(out.at("months").at(0).at("arm"), "shadow");
  EXPECT_EQ(out.at("months").at(0).at("served"), false);
  EXPECT_EQ(out.at("total").at("labels"), 10);
  EXPECT_TRUE(out.at("differences").empty());
}

TEST(Months, compare_the_arms_of_one_month) {
  const Json better{{"tp", 9}, {"fp", 0}, {"fn", 0}, {"tn", 1}}, worse{{"tp", 0}, {"fp", 0}, {"fn", 9}, {"tn", 1}};
  const auto out = months_of({window("2013-08-01", "stable", 1, worse), window("2013-08-01", "canary", 2, better),
                              window("2013-09-01", "stable", 2, better)},
                             kSpec);
  ASSERT_EQ(out.at("differences").size(), 1U);
  const auto& difference = out.at("differences").at(0);
  EXPECT_EQ(difference.at("canary"), 2);
  EXPECT_EQ(difference.at("stable"), 1);
  EXPECT_DOUBLE_EQ(difference.at("per_1000").at("value").get<double>(), 90'000);  // 54 - -36 a prediction
  EXPECT_EQ(difference.at("verdict"), "better");
}

TEST(Months, say_unclear_when_the_interval_holds_nothing_or_less) {
  const auto out = months_of({window("2013-08-01", "stable", 1, kTen), window("2013-08-01", "canary", 2, kTen)}, kSpec);
  EXPECT_EQ(out.at("differences").at(0).at("verdict"), "unclear");
}

TEST(Months, without_labels_are_null_not_zero_per_thousand) {
  const auto out = months_of({window("2013-12-01", "stable", 1, nullptr)}, kSpec);
  const auto& month = out.at("months").at(0);
  EXPECT_TRUE(month.at("per_1000").at("value").is_null());
  EXPECT_EQ(month.at("labels"), 0);
  EXPECT_EQ(month.at("total").at("value"), 0);
}

TEST(Months, of_no_windows_are_an_empty_list) {
  const auto out = months_of({}, kSpec);
  EXPECT_TRUE(out.at("months").empty());
  EXPECT_EQ(out.at("currency"), "USD");
}

}  // namespace
}  // namespace millrace::impact
