#include "exchange/points.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace millrace::exchange {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMost = std::numeric_limits<double>::max();

std::shared_ptr<const Measured> on(const std::string& model) {
  return std::make_shared<Measured>(Measured{model, "days", "d1"});
}

std::vector<Point> settled(std::vector<Point> points) {
  settle(points);
  return points;
}

TEST(Points, are_kept_as_tracking_keeps_them) {
  const auto points = settled({{2, 0, kInfinity, {}},
                               {1, 5, -0.0, {}},
                               {1, 5, 0.0, {}},
                               {1, 5, kNan, {}},
                               {1, 5, kNan, {}},
                               {1, -1, -kInfinity, {}}});
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[0].value, -kMost);
  EXPECT_FALSE(std::signbit(points[1].value));
  EXPECT_TRUE(std::isnan(points[2].value));
  EXPECT_EQ(points[3].value, kMost);
}

TEST(Points, order_and_repetition_do_not_change_a_series) {
  const auto one = series_of(settled({{1, 0, 0.5, {}}, {2, 1, kNan, {}}, {3, 2, 1e300, {}}}));
  const auto other = series_of(settled({{3, 2, 1e300, {}}, {1, 0, 0.5, {}}, {1, 0, 0.5, {}}, {2, 1, kNan, {}}}));
  EXPECT_EQ(one.count, 3);
  EXPECT_EQ(one.digest, other.digest);
  EXPECT_NE(one.digest, series_of(settled({{1, 0, 0.5, {}}, {2, 1, kNan, {}}, {3, 3, 1e300, {}}})).digest);
  EXPECT_NE(one.digest, series_of(settled({{1, 0, 0.5, {}}, {2, 1, 0, {}}, {3, 2, 1e300, {}}})).digest);
}

TEST(Points, a_model_is_said_of_the_point_that_it_measured) {
  std::vector<Point> points{{1, 0, 0.5, {}}, {2, 0, kNan, {}}};
  say_measured(points, {{1, 0, 0.5, on("m-1")}, {1, 0, 0.5, on("m-2")}, {2, 0, kNan, on("m-1")}, {9, 0, 7, on("m-1")}});
  const auto all = settled(points);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].on->model_id, "m-1");
  EXPECT_EQ(all[1].on->model_id, "m-2");
  EXPECT_EQ(all[3].timestamp, 9);
  EXPECT_EQ(series_of(all).count, 3);  // a point of two models is one of the run
}

TEST(Points, a_point_without_a_model_says_nothing_beside_one_with_it) {
  const auto points = settled({{1, 0, 0.5, {}}, {1, 0, 0.5, on("m-1")}});
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].on->model_id, "m-1");
}

TEST(Points, sets_of_measured_points_know_no_order_but_every_field) {
  MeasuredSet one, other, third;
  one.add("r", "auc", {1, 0, 0.5, on("m-1")});
  one.add("r", "loss", {1, 0, 0.5, on("m-1")});
  other.add("r", "loss", {1, 0, 0.5, on("m-1")});
  other.add("r", "auc", {1, 0, 0.5, on("m-1")});
  third.add("r", "auc", {1, 0, 0.5, on("m-1")});
  third.add("s", "loss", {1, 0, 0.5, on("m-1")});
  EXPECT_EQ(one.text(), other.text());
  EXPECT_NE(one.text(), third.text());
}

}  // namespace
}  // namespace millrace::exchange
