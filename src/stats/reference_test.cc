// Our numbers against those of numpy, scipy and scikit-learn in reference/reference.json (made by reference/make.py).
// Tolerance: 1e-12 relative or absolute, whichever is larger, if a test says no other.
#include <gtest/gtest.h>

#include <cmath>

#include "core/files.h"
#include "core/json.h"
#include "stats/calibration.h"
#include "stats/distance.h"
#include "stats/effect.h"
#include "stats/histogram.h"
#include "stats/normal.h"

namespace millrace::stats {
namespace {

// Beside this file, wherever the tree is: the test runs from anywhere below the root.
const Json& reference() {
  static const Json kAll = [] {
    std::string folder = absolute(".");
    const std::string name = "/src/stats/reference/reference.json";
    while (!exists(folder + name) && folder.size() > 1) folder = parent_of(folder);
    auto text = read_file(folder + name, 1 << 20);
    if (!text) return Json();
    auto parsed = parse_json(*text, "reference.json");
    return parsed ? *parsed : Json();
  }();
  return kAll;
}

void expect_close(double ours, const Json& theirs, double tolerance = 1e-12) {
  const double value = theirs.get<double>();
  EXPECT_NEAR(ours, value, tolerance * std::max(1.0, std::fabs(value)));
}

template <class T>
std::vector<T> list(const Json& json) {
  return json.get<std::vector<T>>();
}

class Reference : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(reference().is_object()) << "reference.json was not found above the working folder";
  }
};

TEST_F(Reference, normal_distribution) {
  for (const Json& row : reference()["normal_quantile"])
    expect_close(normal_quantile(row["p"].get<double>()), row["z"]);
  for (const Json& row : reference()["normal_cdf"]) {
    const double p = row["p"].get<double>();
    EXPECT_NEAR(normal_cdf(row["z"].get<double>()) / p, 1, 1e-11) << p;
  }
}

TEST_F(Reference, tails_of_tests) {
  for (const Json& row : reference()["kolmogorov"]) expect_close(kolmogorov_tail(row["x"].get<double>()), row["p"]);
  for (const Json& row : reference()["chi2"]) {
    const double p = row["p"].get<double>();
    EXPECT_NEAR(chi_squared_tail(row["x"].get<double>(), row["df"].get<double>()) / p, 1, 1e-11) << p;
  }
}

TEST_F(Reference, wilson_interval) {
  for (const Json& row : reference()["wilson"]) {
    const auto ours = wilson(row["hits"].get<int64_t>(), row["n"].get<int64_t>(), row["confidence"].get<double>());
    ASSERT_TRUE(ours.ok());
    expect_close(ours->low, row["low"]);
    expect_close(ours->high, row["high"]);
  }
}

TEST_F(Reference, ranking_and_losses) {
  for (const Json& row : reference()["binary"]) {
    const auto labels = list<uint8_t>(row["labels"]);
    const auto scores = list<double>(row["scores"]);
    const auto auc = roc_auc(labels, scores);
    expect_close(auc->auc.value, row["auc"]);
    expect_close(auc->auc.low, row["auc_low"]);
    expect_close(auc->auc.high, row["auc_high"]);
    expect_close(average_precision(labels, scores).value(), row["average_precision"]);
    expect_close(log_loss(labels, scores)->value, row["log_loss"]);
    expect_close(brier_score(labels, scores)->value, row["brier"]);
    const auto counts = confusion(labels, scores, 0.5);
    expect_close(counts->recall()->value, row["recall"]);
    expect_close(counts->precision()->value, row["precision"]);
    expect_close(counts->f1(), row["f1"]);
  }
}

// What an SQL engine would answer, counted pair by pair.
AucSums sums_of(const std::vector<uint8_t>& labels, const std::vector<double>& scores) {
  AucSums out;
  for (size_t i = 0; i < labels.size(); ++i) {
    double right = 0;
    for (size_t j = 0; j < labels.size(); ++j) {
      if (labels[i] == labels[j]) continue;
      const double ahead = labels[i] != 0 ? scores[i] - scores[j] : scores[j] - scores[i];
      right += ahead > 0 ? 2 : ahead == 0 ? 1 : 0;
    }
    ++(labels[i] != 0 ? out.positives : out.negatives);
    if (labels[i] != 0) out.right += right;
    (labels[i] != 0 ? out.positive_squares : out.negative_squares) += right * right;
  }
  return out;
}

TEST_F(Reference, auc_from_sums) {
  for (const Json& row : reference()["binary"]) {
    const auto auc = roc_auc(sums_of(list<uint8_t>(row["labels"]), list<double>(row["scores"])));
    ASSERT_TRUE(auc.ok()) << auc.error().text();
    expect_close(auc->auc.value, row["auc"]);
    expect_close(auc->auc.low, row["auc_low"]);
    expect_close(auc->auc.high, row["auc_high"]);
  }
}

Moments moments_of(const Json& row) {
  return {row["n"].get<int64_t>(), row["mean"].get<double>(), row["variance"].get<double>()};
}

TEST_F(Reference, effect_sizes) {
  for (const Json& row : reference()["effects"]) {
    expect_close(cohens_d(moments_of(row["a"]), moments_of(row["b"])).value(), row["cohens_d"]);
    expect_close(cramers_v(list<int64_t>(row["p"]), list<int64_t>(row["q"])).value(), row["cramers_v"]);
    const auto x = list<double>(row["x"]), y = list<double>(row["y"]);
    PairSums sums{.n = static_cast<int64_t>(x.size())};
    for (size_t i = 0; i < x.size(); ++i) {
      sums.x += x[i], sums.y += y[i];
      sums.xx += x[i] * x[i], sums.yy += y[i] * y[i], sums.xy += x[i] * y[i];
    }
    expect_close(correlation(sums), row["correlation"], 1e-10);
  }
}

TEST_F(Reference, calibration_error) {
  for (const Json& row : reference()["calibration"]) {
    const auto ours =
        calibration(list<uint8_t>(row["labels"]), list<double>(row["scores"]), row["bins"].get<int64_t>());
    expect_close(ours->ece.value, row["ece"]);
    expect_close(ours->max_error, row["max"]);
    EXPECT_EQ(static_cast<int64_t>(ours->bins.size()), row["bins"].get<int64_t>());
  }
}

TEST_F(Reference, distances_of_histograms) {
  for (const Json& row : reference()["distances"]) {
    const auto a = list<int64_t>(row["a"]), b = list<int64_t>(row["b"]);
    expect_close(psi(a, b).value(), row["psi"]);
    expect_close(jensen_shannon(a, b).value(), row["js"]);
    expect_close(total_variation(a, b).value(), row["total_variation"]);
    expect_close(l_infinity(a, b).value(), row["l_infinity"]);
    expect_close(kolmogorov_smirnov(a, b)->statistic, row["ks"]);
    expect_close(chi_squared(a, b)->p_value, row["chi2_p"]);
  }
}

TEST_F(Reference, quantiles) {
  const Json& row = reference()["quantiles"];
  auto values = list<double>(row["values"]);
  std::sort(values.begin(), values.end());
  const auto p = list<double>(row["p"]);
  for (size_t i = 0; i < p.size(); ++i) expect_close(quantile_of_sorted(values, p[i]), row["q"][i]);
}

}  // namespace
}  // namespace millrace::stats
