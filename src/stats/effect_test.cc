#include "stats/effect.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "stats/calibration.h"
#include "stats/histogram.h"

namespace millrace::stats {
namespace {

using Wholes = std::vector<int64_t>;
using Reals = std::vector<double>;

TEST(Effect, of_constants_is_nothing_or_without_end) {
  EXPECT_EQ(cohens_d({.n = 5, .mean = 1}, {.n = 9, .mean = 1}).value(), 0);
  EXPECT_EQ(cohens_d({.n = 5, .mean = 2}, {.n = 9, .mean = 1}).value(), INFINITY);
  EXPECT_EQ(cohens_d({.n = 1, .mean = 0}, {.n = 1, .mean = 1}).value(), -INFINITY);
  EXPECT_FALSE(cohens_d({.n = 0}, {.n = 1}).ok());
}

TEST(Effect, of_shares_goes_from_nothing_to_one) {
  EXPECT_EQ(cramers_v(Wholes{10, 20, 0}, Wholes{100, 200, 0}).value(), 0);
  EXPECT_NEAR(cramers_v(Wholes{10, 0}, Wholes{0, 30}).value(), 1, 1e-15);
  EXPECT_FALSE(cramers_v(Wholes{0, 0}, Wholes{1, 2}).ok());
}

TEST(Effect, correlation_needs_two_sides_that_vary) {
  EXPECT_TRUE(std::isnan(correlation({})));
  EXPECT_TRUE(std::isnan(correlation({.n = 2, .x = 2, .y = 3, .xx = 2, .yy = 5, .xy = 3})));
  EXPECT_NEAR(correlation({.n = 2, .x = 1, .y = 1, .xx = 1, .yy = 1, .xy = 0}), -1, 1e-12);
}

TEST(Sums, without_a_class_or_a_row_are_refused) {
  EXPECT_EQ(roc_auc(AucSums{.positives = 0, .negatives = 2}).error().message(),
            "ROC AUC needs both classes; 0 of 2 rows are positive");
  EXPECT_EQ(roc_auc(AucSums{.positives = 1, .negatives = 1, .right = 2, .positive_squares = 4})->auc.value, 1);
  EXPECT_FALSE(calibration(std::vector<CalibrationSums>{}).ok());
  EXPECT_FALSE(calibration(std::vector<CalibrationSums>(3)).ok());
}

// The rule that SQL bins by gives the bins of the function that has the rows.
TEST(Sums, of_bins_by_rank_are_those_of_rows) {
  Reals scores;
  std::vector<uint8_t> labels;
  for (int i = 0; i < 103; ++i) {
    scores.push_back(std::floor(std::fmod(i * 0.6180339887, 1) * 40) / 40);
    labels.push_back(static_cast<uint8_t>(i % 3 == 0));
  }
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  const size_t bins = 10, each = scores.size() / bins, more = scores.size() % bins;
  std::vector<CalibrationSums> sums(bins);
  for (size_t i = 0; i < order.size(); ++i) {
    size_t first = i;
    while (first > 0 && scores[order[first - 1]] == scores[order[i]]) --first;
    const size_t bin = first < more * (each + 1) ? first / (each + 1) : more + (first - more * (each + 1)) / each;
    sums[bin].rows += 1;
    sums[bin].positives += labels[order[i]];
    sums[bin].probabilities += scores[order[i]];
  }
  const auto ours = calibration(sums), rows = calibration(labels, scores, 10);
  ASSERT_TRUE(ours.ok() && rows.ok());
  EXPECT_NEAR(ours->ece.value, rows->ece.value, 1e-15);
  EXPECT_NEAR(ours->ece.high, rows->ece.high, 1e-15);
  EXPECT_EQ(ours->bins.size(), rows->bins.size());
}

TEST(EvenEdges, are_quantiles_of_smooth_values) {
  Reals values(1000);
  std::iota(values.begin(), values.end(), 0);
  EXPECT_EQ(even_edges(values, 4).value(), (Reals{250, 500, 750}));
}

TEST(EvenEdges, give_each_of_few_values_a_bin) {
  Reals values(995, 0);
  values.resize(1000, 1);
  EXPECT_EQ(even_edges(values, 10).value(), (Reals{1}));
  EXPECT_EQ(even_edges(Reals{3, 3, 5, 7}, 10).value(), (Reals{5, 7}));
  EXPECT_TRUE(even_edges(Reals{3, 3}, 10)->empty());
  EXPECT_TRUE(even_edges({}, 10)->empty());
}

TEST(EvenEdges, a_frequent_value_leaves_the_other_bins_to_the_rest) {
  Reals values(900, 0);
  for (int i = 1; i <= 100; ++i) values.push_back(i);
  const auto edges = even_edges(values, 5).value();
  EXPECT_EQ(edges, (Reals{1, 26, 51, 76}));
  Reals below;
  for (int i = -100; i < 0; ++i) below.push_back(i);
  below.resize(1000, 0);
  EXPECT_EQ(even_edges(below, 5).value(), (Reals{-75, -50, -25, 0}));
}

TEST(EvenEdges, bins_of_many_values_are_not_tiny) {
  Reals values(980, 0);
  for (int i = 1; i <= 20; ++i) values.push_back(i);
  EXPECT_EQ(even_edges(values, 10).value(), (Reals{1, 11}));
}

TEST(EvenEdges, refuse_what_is_not_in_order) {
  EXPECT_FALSE(even_edges(Reals{2, 1}, 3).ok());
  EXPECT_FALSE(even_edges(Reals{1, INFINITY}, 3).ok());
  EXPECT_FALSE(even_edges(Reals{1}, 0).ok());
  EXPECT_FALSE(even_edges(Reals{1}, 101).ok());
}

}  // namespace
}  // namespace millrace::stats
