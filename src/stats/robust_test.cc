#include "stats/robust.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "stats/least_squares.h"

namespace millrace::stats {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

TEST(Robust, a_wild_value_moves_neither_median_nor_deviation) {
  const std::vector<double> values{1, 2, 3, 4, 1e9, kNone};
  EXPECT_EQ(median(values), 3);
  EXPECT_NEAR(scaled_mad(values), 1.4826, 1e-12);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(Robust, a_step_is_measured_beside_all_steps_before_it) {
  std::vector<double> series;
  for (int day = 0; day < 60; ++day) series.push_back(std::sin(day * 0.7) + (day >= 50 ? 10 : 0));
  const auto at = step_at(series, 50, 5, 5);
  EXPECT_GT(at.value, 8);
  EXPECT_LT(at.largest, 2.5);
  EXPECT_EQ(at.places, 41);
  EXPECT_LT(std::abs(step_at(series, 40, 5, 5).value), 2.5);
}

TEST(Robust, a_trend_is_no_step) {
  std::vector<double> series;
  for (int day = 0; day < 60; ++day) series.push_back(day * 3.0);
  const auto at = step_at(series, 50, 5, 5);
  EXPECT_EQ(at.value, at.usual);
  EXPECT_EQ(at.largest, 0);
}

TEST(Robust, a_step_without_enough_days_has_no_value) {
  EXPECT_TRUE(std::isnan(step_at(std::vector<double>{1, 2, 3}, 2, 5, 1).value));
  EXPECT_EQ(step_at(std::vector<double>{1, 2, 3}, 2, 2, 1).places, 0);
}

TEST(LeastSquares, finds_the_weights_that_made_the_target) {
  std::vector<double> design, target;
  for (int i = 0; i < 50; ++i) {
    const double x = i * 0.1, y = std::cos(i);
    design.insert(design.end(), {1, x, y, x * y});
    target.push_back(2 - 3 * x + 0.5 * y + 4 * x * y);
  }
  const auto weights = least_squares(design, target, 4);
  ASSERT_TRUE(weights.ok()) << weights.error().text();
  const std::vector<double> wanted{2, -3, 0.5, 4};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR((*weights)[i], wanted[i], 1e-5);
}

TEST(LeastSquares, columns_that_are_the_same_share_their_weight) {
  std::vector<double> design, target;
  for (int i = 1; i <= 20; ++i) design.insert(design.end(), {1.0 * i, 1.0 * i}), target.push_back(2.0 * i);
  const auto weights = least_squares(design, target, 2);
  ASSERT_TRUE(weights.ok());
  EXPECT_NEAR((*weights)[0] + (*weights)[1], 2, 1e-5);
}

TEST(LeastSquares, refuses_what_has_no_answer) {
  EXPECT_EQ(least_squares(std::vector<double>{1, 2}, std::vector<double>{1}, 2).error().code(), Code::invalid);
  EXPECT_EQ(least_squares(std::vector<double>{kNone}, std::vector<double>{1}, 1).error().code(), Code::invalid);
}

}  // namespace
}  // namespace millrace::stats
