// Hand-computed cases, and numpy's and scipy's numbers in reference/reference.json (made by reference/make.py).
#include "impact/worth.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/files.h"
#include "core/json.h"
#include "stats/student.h"

namespace millrace::impact {
namespace {

const Outcomes kFlights{.true_positive = 60, .false_positive = -15, .false_negative = -40, .true_negative = 0};

// Beside this file, wherever the tree is: the test runs from anywhere below the root.
Json reference() {
  std::string folder = absolute(".");
  const std::string name = "/src/impact/reference/reference.json";
  while (!exists(folder + name) && folder.size() > 1) folder = parent_of(folder);
  auto text = read_file(folder + name, 1 << 20);
  if (!text) return Json();
  auto parsed = parse_json(*text, "reference.json");
  return parsed ? *parsed : Json();
}

Counts counts_of(const Json& json) {
  return {integer_or(json, "tp", 0), integer_or(json, "fp", 0), integer_or(json, "fn", 0), integer_or(json, "tn", 0)};
}

void expect_close(double ours, const Json& theirs) {
  const double value = theirs.get<double>();
  EXPECT_NEAR(ours, value, 1e-9 * std::max(1.0, std::fabs(value)));
}

TEST(Worth, of_ten_predictions_by_hand) {
  const auto worth = worth_of({3, 1, 1, 5}, kFlights);
  EXPECT_EQ(worth.n, 10);
  EXPECT_DOUBLE_EQ(worth.total.value, 125);  // 3 x 60 - 15 - 40
  EXPECT_DOUBLE_EQ(worth.mean, 12.5);
  EXPECT_DOUBLE_EQ(worth.variance, 11062.5 / 9);  // 3 x 47.5^2 + 27.5^2 + 52.5^2 + 5 x 12.5^2
  EXPECT_NEAR(worth.total.high - worth.total.value, 1.959963984540054 * std::sqrt(110625.0 / 9), 1e-9);
  EXPECT_DOUBLE_EQ(worth.per_1000.value, 12500);
  EXPECT_NEAR(worth.per_1000.low, worth.total.low * 100, 1e-8);
}

TEST(Worth, gain_leaves_the_rows_alone_that_were_chosen) {
  const auto gain = gain_of({3, 1, 1, 5}, kFlights);
  EXPECT_DOUBLE_EQ(gain.total.value, 285);  // 3 x (60 + 40) + 1 x (-15 - 0)
  EXPECT_EQ(gain.n, 10);
}

TEST(Worth, without_rows_is_nothing_and_per_1000_unknown) {
  const auto worth = worth_of({}, kFlights);
  EXPECT_EQ(worth.total.value, 0);
  EXPECT_EQ(worth.total.low, 0);
  EXPECT_TRUE(std::isnan(worth.mean));
  EXPECT_TRUE(std::isnan(worth.per_1000.value));
}

TEST(Worth, of_one_row_has_no_bounds) {
  const auto worth = worth_of({1, 0, 0, 0}, kFlights);
  EXPECT_EQ(worth.total.value, 60);
  EXPECT_TRUE(std::isinf(worth.total.high));
  EXPECT_TRUE(std::isinf(worth.total.low));
}

TEST(Worth, agrees_with_numpy_on_rows_written_out) {
  const auto all = reference();
  ASSERT_EQ(all.at("worth").size(), 4U);
  for (const auto& theirs : all.at("worth")) {
    const auto ours = worth_of(counts_of(theirs.at("counts")), kFlights);
    expect_close(ours.mean, theirs.at("mean"));
    expect_close(ours.variance, theirs.at("variance"));
    expect_close(ours.total.value, theirs.at("sum"));
    expect_close(ours.total.high - ours.total.value, theirs.at("half"));
  }
}

TEST(Difference, agrees_with_scipy) {
  const auto all = reference();
  ASSERT_EQ(all.at("differences").size(), 3U);
  for (const auto& theirs : all.at("differences")) {
    const auto ours =
        difference_of(worth_of(counts_of(theirs.at("a")), kFlights), worth_of(counts_of(theirs.at("b")), kFlights));
    ASSERT_TRUE(ours);
    expect_close(ours->per_1000.value, theirs.at("value"));
    expect_close(ours->per_1000.low, theirs.at("low"));
    expect_close(ours->per_1000.high, theirs.at("high"));
    expect_close(ours->df, theirs.at("df"));
  }
  for (const auto& theirs : all.at("quantiles"))
    expect_close(stats::two_sided_t(theirs.at("confidence").get<double>(), theirs.at("df").get<double>()),
                 theirs.at("t"));
}

TEST(Difference, needs_two_rows_of_both) {
  const auto some = worth_of({3, 1, 1, 5}, kFlights);
  EXPECT_FALSE(difference_of(some, worth_of({}, kFlights)));
  EXPECT_FALSE(difference_of(worth_of({1, 0, 0, 0}, kFlights), some));
}

TEST(Difference, of_two_constant_samples_is_exact) {
  const auto found = difference_of(worth_of({4, 0, 0, 0}, kFlights), worth_of({0, 0, 0, 9}, kFlights));
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->per_1000.value, 60'000);
  EXPECT_DOUBLE_EQ(found->per_1000.low, 60'000);
  EXPECT_TRUE(std::isinf(found->df));
}

TEST(Cost, of_processor_time_and_labels_by_hand) {
  // 1,000 predictions of 3.6 ms are 3.6 seconds: a thousandth of an hour. 950 of 1,000 labels at 0.2.
  const auto cost = cost_of(3'600, 1'000, 950, {.cpu_hour = 0.05, .label = 0.2});
  EXPECT_DOUBLE_EQ(cost.compute, 0.00005);
  EXPECT_DOUBLE_EQ(cost.labels, 190);
  EXPECT_DOUBLE_EQ(cost.total, 190.00005);
}

TEST(Cost, is_unknown_without_requests_or_durations) {
  EXPECT_TRUE(std::isnan(cost_of(100, 0, 0, {}).labels));
  EXPECT_TRUE(std::isnan(cost_of(std::nan(""), 10, 0, {.cpu_hour = 1}).compute));
}

}  // namespace
}  // namespace millrace::impact
