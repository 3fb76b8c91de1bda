#include "track/points/buckets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "track/testing.h"

namespace millrace::track {
namespace {

class BucketsTest : public ::testing::Test {
 protected:
  BucketsTest() : run(world.run().info) {}

  void add(Points points) {
    points.sort();
    const auto done = world.store.database->write([&](store::Session& session) -> Result<void> {
      return append(session, "default", run, {{"loss", points}});
    });
    ASSERT_TRUE(done) << done.error().text();
  }
  // Steps 0 to `count`, a second apart.
  void add_line(int64_t count) {
    Points points;
    for (int64_t i = 0; i < count; ++i) points.add(clamped(i * 1000, i, std::sin(static_cast<double>(i))), {});
    add(std::move(points));
  }
  BucketCurve curve(const BucketRange& range) {
    BucketCurve out;
    const auto done = world.store.database->read([&](store::Session& session) -> Result<void> {
      const std::string workspace = "default", key = "loss";
      MILLRACE_TRY(out, bucket_curve(session, {workspace, run.id, key}, range));
      return {};
    });
    EXPECT_TRUE(done) << done.error().text();
    return out;
  }

  testing::Tracked world;
  RunInfo run;
};

TEST_F(BucketsTest, few_points_are_told_as_they_are) {
  add_line(10);
  const auto found = curve({.buckets = 10});
  EXPECT_TRUE(found.exact);
  ASSERT_EQ(found.buckets.size(), 10U);
  EXPECT_EQ(found.buckets[3].at.step, 3);
  EXPECT_EQ(found.buckets[3].least, found.buckets[3].greatest);
  EXPECT_TRUE(curve({.buckets = 5}).buckets.size() <= 5);
}

TEST_F(BucketsTest, no_peak_is_lost_among_many_points) {
  add_line(20'000);
  Points peak;
  peak.add(clamped(7'777'500, 7'777, 99), {});
  peak.add(clamped(7'778'500, 7'778, -99), {});
  add(std::move(peak));
  const auto found = curve({.buckets = 100});
  EXPECT_FALSE(found.exact);
  EXPECT_EQ(found.total, 20'002);
  EXPECT_LE(found.buckets.size(), 100U);
  double least = 0, greatest = 0;
  int64_t points = 0, before = -1;
  for (const auto& bucket : found.buckets) {
    least = std::min(least, bucket.least);
    greatest = std::max(greatest, bucket.greatest);
    points += bucket.points;
    EXPECT_GT(bucket.at.step, before);
    before = bucket.at.step;
  }
  EXPECT_EQ(least, -99);
  EXPECT_EQ(greatest, 99);
  EXPECT_EQ(points, found.total);
  EXPECT_EQ(found.buckets.back().at.step, 19'999);
}

TEST_F(BucketsTest, a_range_counts_its_own_points_and_tells_few_of_them_exactly) {
  add_line(20'000);
  const auto zoomed = curve({.from = 10'000, .to = 10'049, .buckets = 100});
  EXPECT_TRUE(zoomed.exact);
  ASSERT_EQ(zoomed.buckets.size(), 50U);
  EXPECT_EQ(zoomed.buckets.front().at.step, 10'000);
  EXPECT_EQ(zoomed.total, 50);
  const auto wide = curve({.from = 10'000, .to = 14'999, .buckets = 10});
  EXPECT_EQ(wide.total, 5'000);
  EXPECT_EQ(wide.buckets.size(), 10U);
  EXPECT_EQ(curve({.from = 30'000, .to = 40'000}).total, 0);
  const auto by_time = curve({.by_time = true, .from = 1'000'000, .to = 1'004'000, .buckets = 100});
  ASSERT_EQ(by_time.total, 5);
  EXPECT_EQ(by_time.buckets.front().at.step, 1'000);
}

TEST_F(BucketsTest, the_same_buckets_come_of_points_in_any_order) {
  std::mt19937 chance(7);
  Points points;
  for (int64_t i = 0; i < 9'000; ++i)
    points.add(clamped(static_cast<int64_t>(chance() % 1'000'000), i, static_cast<double>(chance() % 1'000)), {});
  Buckets forward(0, 8'999, 64, false), backward(0, 8'999, 64, false);
  for (size_t i = 0; i < points.size(); ++i) forward.add(points.points[i]);
  for (size_t i = points.size(); i > 0; --i) backward.add(points.points[i - 1]);
  const auto one = std::move(forward).take(), other = std::move(backward).take();
  add(std::move(points));
  const auto stored = curve({.buckets = 64}).buckets;
  ASSERT_EQ(one.size(), other.size());
  ASSERT_EQ(one.size(), stored.size());
  for (size_t i = 0; i < one.size(); ++i)
    for (const auto* each : {&other[i], &stored[i]}) {
      EXPECT_EQ(one[i].at.step, each->at.step);
      EXPECT_EQ(one[i].least, each->least);
      EXPECT_EQ(one[i].greatest, each->greatest);
      EXPECT_EQ(one[i].points, each->points);
    }
}

TEST_F(BucketsTest, a_bucket_of_nothing_but_nan_has_no_extremes) {
  Points points;
  for (int64_t i = 0; i < 100; ++i) points.add(clamped(i, i, i < 50 ? std::nan("") : 1), {});
  add(std::move(points));
  const auto found = curve({.buckets = 2});
  ASSERT_EQ(found.buckets.size(), 2U);
  EXPECT_EQ(found.buckets[0].numbers, 0);
  EXPECT_TRUE(found.buckets[0].at.is_nan);
  EXPECT_EQ(found.buckets[1].least, 1);
}

TEST_F(BucketsTest, a_metric_that_is_not_there_has_no_curve) { EXPECT_EQ(curve({}).total, 0); }

TEST_F(BucketsTest, steps_at_the_ends_of_what_there_is_do_not_overflow) {
  Points points;
  points.add(clamped(1, std::numeric_limits<int64_t>::min(), 1), {});
  points.add(clamped(2, 0, 2), {});
  points.add(clamped(3, std::numeric_limits<int64_t>::max(), 3), {});
  add(std::move(points));
  EXPECT_EQ(curve({.buckets = 2}).total, 3);
}

}  // namespace
}  // namespace millrace::track
