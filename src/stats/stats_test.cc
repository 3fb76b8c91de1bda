// The edges: nothing, one class, ties, NaN, infinities; and what intervals promise.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "core/clock.h"
#include "stats/calibration.h"
#include "stats/distance.h"
#include "stats/histogram.h"
#include "stats/normal.h"

namespace millrace::stats {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Bytes = std::vector<uint8_t>;
using Reals = std::vector<double>;
using Wholes = std::vector<int64_t>;

double uniform(Random& random) { return static_cast<double>(random.next() >> 11) * 0x1p-53; }

TEST(Normal, has_edges) {
  EXPECT_EQ(normal_quantile(0), -kInfinity);
  EXPECT_EQ(normal_quantile(1), kInfinity);
  EXPECT_EQ(normal_quantile(0.5), 0);
  for (const double p : {-0.1, 1.1, kNan}) EXPECT_TRUE(std::isnan(normal_quantile(p)));
  EXPECT_EQ(kolmogorov_tail(0), 1);
  EXPECT_EQ(kolmogorov_tail(kInfinity), 0);
  EXPECT_NEAR(kolmogorov_tail(0.18), 1, 1e-12);
  EXPECT_EQ(chi_squared_tail(-1, 3), 1);
  EXPECT_TRUE(std::isnan(chi_squared_tail(1, 0)));
}

TEST(Wilson, refuses_what_is_no_share) {
  for (const auto& [hits, n] : std::vector<std::pair<int64_t, int64_t>>{{0, 0}, {-1, 5}, {6, 5}, {0, -1}})
    EXPECT_FALSE(wilson(hits, n).ok());
  for (const double confidence : {0.0, 1.0, -1.0, kNan}) EXPECT_FALSE(wilson(1, 2, confidence).ok());
  EXPECT_EQ(wilson(0, 5)->low, 0);
  EXPECT_EQ(wilson(5, 5)->high, 1);
}

TEST(Auc, needs_both_classes) {
  EXPECT_EQ(roc_auc(Bytes{0, 0}, Reals{1, 2}).error().message(),
            "ROC AUC needs both classes; 0 of 2 rows are positive");
  EXPECT_FALSE(roc_auc(Bytes{1}, Reals{1}).ok());
  EXPECT_FALSE(roc_auc({}, {}).ok());
  EXPECT_FALSE(average_precision({}, {}).ok());
  EXPECT_FALSE(average_precision(Bytes{0}, Reals{1}).ok());
}

TEST(Auc, refuses_nan_and_takes_infinities) {
  EXPECT_EQ(roc_auc(Bytes{0, 1}, Reals{1, kNan}).error().message(), "the score of row 1 is not a number");
  EXPECT_FALSE(roc_auc(Bytes{0, 1}, Reals{1}).ok());
  EXPECT_EQ(roc_auc(Bytes{0, 1, 0}, Reals{-kInfinity, kInfinity, 0})->auc.value, 1);
}

TEST(Auc, never_feigns_certainty) {
  const auto perfect = roc_auc(Bytes{0, 0, 0, 1, 1}, Reals{1, 2, 3, 4, 5});
  EXPECT_EQ(perfect->auc.value, 1);
  EXPECT_LT(perfect->auc.low, 0.5);
  EXPECT_EQ(perfect->variance, 0);
  const auto tied = roc_auc(Bytes{0, 1, 0, 1}, Reals{2, 2, 2, 2});
  EXPECT_EQ(tied->auc.value, 0.5);
  EXPECT_LT(tied->auc.low, 0.2);
  EXPECT_LT(roc_auc(Bytes{1, 0, 0, 0}, Reals{2, 1, 1, 3})->auc.low, 0.3);
}

TEST(Auc, does_not_depend_on_the_order_of_rows) {
  SeededRandom random(7);
  Bytes labels;
  Reals scores;
  for (int i = 0; i < 500; ++i) {
    labels.push_back(random.next() % 3 == 0);
    scores.push_back(std::floor(uniform(random) * 50));
  }
  const auto forth = roc_auc(labels, scores);
  std::reverse(labels.begin(), labels.end());
  std::reverse(scores.begin(), scores.end());
  const auto back = roc_auc(labels, scores);
  EXPECT_EQ(forth->auc.value, back->auc.value);
  EXPECT_EQ(forth->variance, back->variance);
}

TEST(Losses, refuse_what_is_no_probability) {
  for (const double p : {-0.1, 1.1, kNan, kInfinity}) {
    EXPECT_FALSE(log_loss(Bytes{1}, Reals{p}).ok());
    EXPECT_FALSE(brier_score(Bytes{1}, Reals{p}).ok());
    EXPECT_FALSE(calibration(Bytes{1}, Reals{p}).ok());
  }
  EXPECT_EQ(log_loss({}, {}).error().message(), "there are no rows");
  EXPECT_EQ(log_loss(Bytes{1, 0}, Reals{0.5}).error().code(), Code::invalid);
}

TEST(Losses, stay_finite_when_surely_wrong) {
  EXPECT_NEAR(log_loss(Bytes{1, 0}, Reals{0, 1})->value, -std::log(1e-15), 1e-9);
  EXPECT_NEAR(log_loss(Bytes{1, 0}, Reals{1, 0})->value, 0, 1e-14);
  EXPECT_EQ(brier_score(Bytes{1}, Reals{0})->value, 1);
  EXPECT_EQ(brier_score(Bytes{1}, Reals{0})->high, kInfinity);
}

TEST(Confusion, names_the_share_that_is_undefined) {
  const auto counts = confusion(Bytes{0, 0}, Reals{0.1, 0.2}, 0.5);
  EXPECT_EQ(counts->recall().error().message(), "recall is undefined: there is no row to divide by");
  EXPECT_FALSE(counts->precision().ok());
  EXPECT_EQ(counts->specificity()->value, 1);
  EXPECT_TRUE(std::isnan(counts->f1()));
  EXPECT_FALSE(confusion(Bytes{0}, Reals{kNan}, 0.5).ok());
  EXPECT_FALSE(confusion(Bytes{0}, Reals{1}, kNan).ok());
  EXPECT_EQ(confusion(Bytes{1}, Reals{0.5}, 0.5)->true_positives, 1) << "a score at the threshold is chosen";
  Confusion sum = *counts;
  sum.merge(*confusion(Bytes{1}, Reals{1}, 0.5));
  EXPECT_EQ(sum.rows(), 3);
}

TEST(Calibration, keeps_ties_together) {
  const auto all = calibration(Bytes{0, 1, 1, 0}, Reals{0.5, 0.5, 0.5, 0.5}, 4);
  ASSERT_EQ(all->bins.size(), 1u);
  EXPECT_EQ(all->ece.value, 0);
  const auto two = calibration(Bytes{0, 1, 0, 1, 0}, Reals{0.9, 0.1, 0.1, 0.9, 0.1}, 10);
  ASSERT_EQ(two->bins.size(), 2u);
  EXPECT_EQ(two->bins[0].rows, 3);
  EXPECT_FALSE(calibration(Bytes{0}, Reals{0.1}, 0).ok());
  EXPECT_FALSE(calibration({}, {}).ok());
}

// 400 samples each: an interval of 95% must hold the truth in about 380 or more, and must not be empty of meaning.
TEST(Calibration, interval_holds_the_truth) {
  SeededRandom random(11);
  for (const double shift : {0.0, 0.1}) {
    int held = 0, excludes_zero = 0;
    for (int sample = 0; sample < 400; ++sample) {
      Bytes labels;
      Reals probabilities;
      for (int i = 0; i < 1000; ++i) {
        const double p = 0.1 + 0.7 * uniform(random);
        probabilities.push_back(p);
        labels.push_back(uniform(random) < p + shift);
      }
      const auto ours = calibration(labels, probabilities);
      held += ours->ece.low <= shift && shift <= ours->ece.high;
      excludes_zero += ours->ece.low > 0;
    }
    EXPECT_GE(held, 370);
    EXPECT_GE(excludes_zero, shift > 0 ? 380 : 0);
  }
}

TEST(Distance, of_equal_shares_is_zero) {
  const Wholes a{1, 2, 3, 0}, b{10, 20, 30, 0};
  EXPECT_EQ(jensen_shannon(a, b).value(), 0);
  EXPECT_EQ(total_variation(a, b).value(), 0);
  EXPECT_EQ(l_infinity(a, b).value(), 0);
  EXPECT_EQ(psi(a, a).value(), 0);
  EXPECT_NEAR(kolmogorov_smirnov(a, b)->p_value, 1, 1e-12);
  EXPECT_NEAR(chi_squared(a, b)->p_value, 1, 1e-12);
}

TEST(Distance, of_strangers_is_one) {
  const Wholes a{5, 0}, b{0, 7};
  EXPECT_EQ(jensen_shannon(a, b).value(), 1);
  EXPECT_EQ(total_variation(a, b).value(), 1);
  EXPECT_EQ(l_infinity(a, b).value(), 1);
  EXPECT_EQ(kolmogorov_smirnov(a, b)->statistic, 1);
  EXPECT_TRUE(std::isfinite(psi(a, b).value()));
  EXPECT_EQ(psi(a, b).value(), psi(b, a).value());
}

TEST(Distance, refuses_what_is_no_distribution) {
  for (const auto& [a, b] :
       std::vector<std::pair<Wholes, Wholes>>{{{}, {}}, {{1}, {1, 2}}, {{0, 0}, {1, 1}}, {{1, 1}, {2, -1}}}) {
    EXPECT_EQ(psi(a, b).error().code(), Code::invalid);
    EXPECT_FALSE(jensen_shannon(a, b).ok());
    EXPECT_FALSE(total_variation(a, b).ok());
    EXPECT_FALSE(l_infinity(a, b).ok());
    EXPECT_FALSE(kolmogorov_smirnov(a, b).ok());
    EXPECT_FALSE(chi_squared(a, b).ok());
  }
  EXPECT_EQ(chi_squared(Wholes{3}, Wholes{4})->p_value, 1);
}

TEST(Distance, of_one_distribution_stays_under_its_noise) {
  SeededRandom random(3);
  const auto noise = psi_noise(10, 2000, 1000);
  int over = 0;
  double sum = 0;
  for (int sample = 0; sample < 400; ++sample) {
    Wholes a(10), b(10);
    for (int i = 0; i < 2000; ++i) ++a[random.next() % 10];
    for (int i = 0; i < 1000; ++i) ++b[random.next() % 10];
    const double value = psi(a, b).value();
    sum += value;
    over += value > noise->limit;
  }
  EXPECT_NEAR(sum / 400 / noise->mean, 1, 0.1);
  EXPECT_LE(over, 36);  // 5% of 400, and room for chance
  EXPECT_EQ(psi_noise(1, 5, 5)->limit, 0);
  EXPECT_FALSE(psi_noise(10, 0, 5).ok());
}

TEST(Quantiles, take_odd_values) {
  EXPECT_TRUE(std::isnan(quantile_of_sorted({}, 0.5)));
  EXPECT_TRUE(std::isnan(quantile_of_sorted(Reals{1}, 1.5)));
  EXPECT_EQ(quantile_of_sorted(Reals{7}, 0.3), 7);
  EXPECT_EQ(quantile_of_sorted(Reals{-kInfinity, -kInfinity, 1, kInfinity}, 0.1), -kInfinity);
}

TEST(Edges, are_distinct_and_finite) {
  EXPECT_EQ(quantile_edges(Reals{}, 10).value(), Reals{});
  EXPECT_EQ(quantile_edges(Reals{kNan, kInfinity, -kInfinity}, 10).value(), Reals{});
  EXPECT_EQ(quantile_edges(Reals{5, 5, 5}, 10).value(), Reals{});
  EXPECT_EQ(quantile_edges(Reals{0, 0, 0, 0, 0, 1, 2, 3, 4}, 4).value(), Reals{2});
  EXPECT_EQ(quantile_edges(Reals{kNan, 1, 2, 3, 4, 5, kInfinity}, 2).value(), Reals{3});
  EXPECT_FALSE(quantile_edges(Reals{1}, 0).ok());
}

TEST(Histogram, counts_every_value_once) {
  auto histogram = *Histogram::make({0, 1});
  for (const double value : {-kInfinity, -1.0, -0.0, 0.0, 0.5, 1.0, kInfinity, kNan}) histogram.add(value);
  histogram.add_null(2);
  EXPECT_EQ(histogram.counts(), (Wholes{2, 3, 2}));
  EXPECT_EQ(histogram.nans(), 1);
  EXPECT_EQ(histogram.nulls(), 2);
  EXPECT_EQ(histogram.rows(), 10);
}

TEST(Histogram, merged_parts_equal_the_whole) {
  SeededRandom random(5);
  auto whole = *Histogram::make({0.2, 0.4, 0.9});
  auto left = whole, right = whole;
  for (int i = 0; i < 1000; ++i) {
    const double value = uniform(random);
    whole.add(value);
    (i % 3 == 0 ? left : right).add(value);
  }
  ASSERT_TRUE(right.merge(left).ok());
  EXPECT_EQ(right.counts(), whole.counts());
  EXPECT_FALSE(whole.merge(*Histogram::make({0.2, 0.4})).ok());
}

TEST(Histogram, refuses_bad_edges) {
  for (const Reals& edges : {Reals{1, 1}, Reals{2, 1}, Reals{kNan}, Reals{kInfinity}})
    EXPECT_FALSE(Histogram::make(edges).ok());
  EXPECT_EQ(Histogram::make({})->counts().size(), 1u);
}

TEST(Wasserstein, is_the_area_between_the_cumulative_shares) {
  const Reals edges{0, 1, 2, 3};
  EXPECT_DOUBLE_EQ(*wasserstein(Wholes{0, 10, 0, 0, 0}, Wholes{0, 10, 0, 0, 0}, edges), 0);
  EXPECT_DOUBLE_EQ(*wasserstein(Wholes{0, 10, 0, 0, 0}, Wholes{0, 0, 0, 10, 0}, edges), 2);  // all moved by two bins
  EXPECT_DOUBLE_EQ(*wasserstein(Wholes{10, 0, 0, 0, 0}, Wholes{0, 0, 0, 0, 10}, edges), 3);
  EXPECT_FALSE(wasserstein(Wholes{1, 2}, Wholes{1, 2}, edges).ok());
}

}  // namespace
}  // namespace millrace::stats
