#include "monitor/rollout/difference_part.h"

#include <gtest/gtest.h>

namespace millrace::monitor {
namespace {

Json segment(const char* column, const char* value, int64_t rows, int64_t flips, double sum) {
  return {{"column", column}, {"value", value}, {"rows", rows}, {"flips", flips}, {"sum", sum}, {"sum_abs", sum}};
}

// Rows whose |dp| is in the bin, all to positive.
Json part(int64_t rows, int64_t flips, double each, int bin) {
  Json out = empty_difference();
  out["rows"] = rows;
  out["flips"] = out["to_positive"] = flips;
  out["sum"] = out["sum_abs"] = each * static_cast<double>(rows);
  out["max_abs"] = each;
  out["bins"] = {{bin, rows}};
  out["histogram"][3] = rows;
  out["quantiles"] = {{"p50", each}, {"p90", each}, {"p99", each}};
  out["segments"] = {segment("carrier", "AA", rows, flips, 1)};
  return out;
}

TEST(DifferencePart, adds_up_and_says_what_the_whole_says) {
  const auto sum = add_differences(part(10, 1, 0.01, 745), part(30, 5, 0.02, 777));
  const auto report = difference_report(sum);
  EXPECT_EQ(report["rows"], 40);
  EXPECT_EQ(report["flips"], 6);
  EXPECT_EQ(report["to_negative"], 0);
  EXPECT_NEAR(report["mean_abs"].get<double>(), (0.1 + 0.6) / 40, 1e-12);
  EXPECT_EQ(report["max_abs"], 0.02);
  EXPECT_EQ(report["histogram"]["counts"][3], 40);
  EXPECT_EQ(report["segments"][0]["rows"], 40);
  EXPECT_EQ(report["segments"][0]["flips"], 6);
  // The upper edges of the bins: 2^(745/32) and 2^(777/32) billionths; none above the largest value.
  EXPECT_NEAR(report["quantiles"]["p50"].get<double>(), 0.02, 0.02 * 0.03);
  EXPECT_LE(report["quantiles"]["p99"].get<double>(), 0.02);
}

TEST(DifferencePart, one_part_keeps_its_exact_quantiles_beside_none) {
  const auto alone = add_differences(empty_difference(), part(10, 1, 0.0123, 760));
  EXPECT_EQ(difference_report(alone)["quantiles"]["p50"], 0.0123);
  EXPECT_EQ(difference_report(add_differences(part(10, 1, 0.0123, 760), empty_difference())), difference_report(alone));
  EXPECT_TRUE(difference_report(empty_difference()).is_null());
  EXPECT_EQ(add_differences(empty_difference(), empty_difference()), empty_difference());
}

TEST(DifferencePart, leaves_out_columns_that_are_not_known_of_all_rows) {
  auto one = part(10, 1, 0.01, 745), other = part(10, 1, 0.01, 745);
  one["segments"].push_back(segment("tail", "N1", 10, 1, 1));
  const auto report = difference_report(add_differences(one, other));
  ASSERT_EQ(report["segments"].size(), 1U);
  EXPECT_EQ(report["segments"][0]["column"], "carrier");
  // And of those that have too many values together.
  one = part(20, 0, 0.01, 745), other = part(20, 0, 0.01, 745);
  for (int i = 0; i < 15; ++i) {
    one["segments"].push_back(segment("hour", std::to_string(i).c_str(), 1, 0, 1));
    other["segments"].push_back(segment("hour", std::to_string(i + 10).c_str(), 1, 0, 1));
  }
  EXPECT_EQ(difference_report(add_differences(one, other))["segments"].size(), 1U);
}

TEST(DifferencePart, groups_that_were_named_stay_and_are_sorted_by_what_is_sure) {
  auto one = part(10, 1, 0.01, 745), other = part(10, 1, 0.01, 745);
  one["groups"] = {segment("origin", "JFK", 5, 5, 1), segment("origin", "LGA", 500, 100, 1)};
  other["groups"] = {segment("origin", "LGA", 500, 150, 1), segment("origin", "EWR", 50, 0, 1)};
  const auto groups = difference_report(add_differences(one, other))["groups"];
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0]["value"], "JFK");
  EXPECT_EQ(groups[1]["value"], "LGA");
  EXPECT_EQ(groups[1]["rows"], 1'000);
  EXPECT_EQ(groups[1]["flips"], 250);
}

}  // namespace
}  // namespace millrace::monitor
