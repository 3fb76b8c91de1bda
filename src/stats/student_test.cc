// Expected numbers: scipy.stats.t of scipy 1.17 (tables of Student's t agree).
#include "stats/student.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "stats/normal.h"

namespace millrace::stats {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Student, agrees_with_published_quantiles) {
  EXPECT_NEAR(two_sided_t(0.95, 1), 12.706204736174694, 1e-8);
  EXPECT_NEAR(two_sided_t(0.95, 2), 4.302652729749462, 1e-9);
  EXPECT_NEAR(two_sided_t(0.95, 10), 2.228138851986274, 1e-9);
  EXPECT_NEAR(two_sided_t(0.99, 3), 5.840909309733355, 1e-9);
  EXPECT_NEAR(two_sided_t(0.90, 4.5), 2.065575888878524, 1e-9);
  EXPECT_NEAR(two_sided_t(0.95, 1e5), 1.9599877075346095, 1e-9);
}

TEST(Student, becomes_the_normal_distribution) {
  EXPECT_DOUBLE_EQ(two_sided_t(0.95, kInfinity), two_sided_z(0.95));
  EXPECT_NEAR(student_cdf(1.5, 1e7), normal_cdf(1.5), 1e-7);
  EXPECT_DOUBLE_EQ(student_cdf(-2, kInfinity), normal_cdf(-2));
}

TEST(Student, is_symmetric_and_has_the_cauchy_case_in_closed_form) {
  for (const double t : {0.0, 0.3, 1.0, 5.0, 40.0}) {
    EXPECT_NEAR(student_cdf(t, 7) + student_cdf(-t, 7), 1, 1e-15);
    EXPECT_NEAR(student_cdf(-t, 1), 0.5 - std::atan(t) / M_PI, 1e-14);
  }
  EXPECT_EQ(student_cdf(kInfinity, 3), 1);
  EXPECT_EQ(student_cdf(-kInfinity, 3), 0);
}

TEST(Student, quantile_and_distribution_undo_each_other) {
  for (const double df : {0.5, 1.0, 2.5, 9.0, 250.0, 1e6})
    for (const double confidence : {0.5, 0.9, 0.95, 0.999})
      EXPECT_NEAR(student_cdf(-two_sided_t(confidence, df), df), (1 - confidence) / 2, 1e-11)
          << df << " " << confidence;
}

TEST(Student, says_nan_outside_its_range) {
  EXPECT_TRUE(std::isnan(two_sided_t(0, 5)));
  EXPECT_TRUE(std::isnan(two_sided_t(1, 5)));
  EXPECT_TRUE(std::isnan(two_sided_t(0.95, 0)));
  EXPECT_TRUE(std::isnan(two_sided_t(kNan, 5)));
  EXPECT_TRUE(std::isnan(student_cdf(kNan, 5)));
  EXPECT_TRUE(std::isnan(student_cdf(1, -1)));
}

}  // namespace
}  // namespace millrace::stats
