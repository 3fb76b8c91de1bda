// Our numbers against those of numpy, scipy and scikit-learn in reference/reference.json (made by reference/make.py).
// Tolerance: 1e-12 relative or absolute, whichever is larger, if a test says no other.
#include <gtest/gtest.h>

#include <cmath>

#include "core/files.h"
#include "core/json.h"
#include "stats/calibration.h"
#include "stats/distance.h"
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
