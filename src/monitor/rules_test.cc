#include "monitor/rules.h"

#include "monitor/alert/testing.h"

namespace millrace::monitor {
namespace {

using testing::column;
using testing::drifted;
using testing::measured;
using testing::metric;
using testing::rule;
using testing::window_of;

struct Rules : ::testing::Test {
  MonitorSpec spec{.deployment = "late", .min_rows = 500};
  std::vector<data::DatasetVersion> batches;
  std::vector<AlertKey> open;

  std::vector<Judgement> judged(const Window& window) { return judge({spec, batches, open}, {window}); }
  Judgement only(const Window& window) {
    const auto all = judged(window);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Judgement{} : all.front();
  }
  // "page", "warn", "clear", "holds" or "undecided".
  std::string verdict(const Window& window) { return word(only(window)); }
  static std::string word(const Judgement& judgement) {
    switch (judgement.verdict) {
      case Verdict::breaks: return judgement.severity;
      case Verdict::holds: return judgement.clear ? "clear" : "holds";
      case Verdict::undecided: return "undecided";
    }
    return "";
  }
};

Window january(double psi) { return drifted("2013-01-01", "2013-02-01", psi); }
Window january_auc(const Json& auc) { return measured("2013-01-01", "2013-02-01", auc); }

TEST_F(Rules, drift_warns_and_pages_beyond_its_limits_and_clears_a_tenth_inside) {
  spec.rules = {rule("drift", "psi", 0.1, 0.25)};
  EXPECT_EQ(verdict(january(0.26)), "page");
  EXPECT_EQ(verdict(january(0.25)), "warn");
  EXPECT_EQ(verdict(january(0.101)), "warn");
  EXPECT_EQ(verdict(january(0.1)), "holds");
  EXPECT_EQ(verdict(january(0.0901)), "holds");
  EXPECT_EQ(verdict(january(0.09)), "clear");
}

TEST_F(Rules, drift_keeps_effect_size_rows_and_the_column_as_evidence) {
  spec.rules = {rule("drift", "psi", 0.1, 0.25)};
  const auto judgement = only(january(0.3));
  EXPECT_EQ(judgement.key, (AlertKey{"drift", "temp", "all", 0}));
  EXPECT_EQ(judgement.limit, 0.25);
  EXPECT_EQ(judgement.evidence["effect"], 0.4);
  EXPECT_EQ(judgement.evidence["n"], 5000);
  EXPECT_EQ(judgement.evidence["reference_n"], 20000);
  EXPECT_EQ(judgement.evidence["direction"], "above");
  EXPECT_EQ(judgement.evidence["column"]["edges"], Json({1, 2}));
  EXPECT_EQ(judgement.evidence["text"], "PSI of 'temp' is 0.3 on 5000 rows, over the page limit of 0.25");
}

TEST_F(Rules, drift_decides_nothing_on_too_few_rows_on_either_side) {
  spec.rules = {rule("drift", "psi", 0.1, 0.25)};
  EXPECT_EQ(verdict(window_of("2013-01-01", "2013-02-01", Json::array({column("temp", 3.0, 499)}))), "undecided");
  auto few = column("temp", 3.0);
  few["reference_n"] = 499;
  EXPECT_EQ(verdict(window_of("2013-01-01", "2013-02-01", Json::array({few}))), "undecided");
  auto none = column("temp", 0);
  none["psi"] = nullptr;
  EXPECT_EQ(verdict(window_of("2013-01-01", "2013-02-01", Json::array({none}))), "undecided");
}

// 600 rows over 200 categories differ from the reference by a PSI of about (1/600 + 1/20000) * 199 = 0.34 by chance.
TEST_F(Rules, drift_that_sampling_alone_gives_is_none) {
  spec.rules = {rule("drift", "psi", 0.1, 0.25)};
  auto many = column("dest", 0.36, 600);
  many["counts"] = Json(std::vector<int>(200, 3));
  many["reference_counts"] = Json(std::vector<int>(200, 100));
  const auto judgement = only(window_of("2013-01-01", "2013-02-01", Json::array({many})));
  EXPECT_EQ(word(judgement), "clear");
  EXPECT_EQ(judgement.value, 0.36);
  EXPECT_GT(judgement.evidence["chance"], 0.001);
  many["psi"] = 0.6;
  EXPECT_EQ(verdict(window_of("2013-01-01", "2013-02-01", Json::array({many}))), "page");
}

TEST_F(Rules, two_measures_of_one_column_are_one_judgement_and_the_worse_counts) {
  spec.rules = {rule("drift", "psi", 0.1, 0.25), rule("drift", "js", 0.005, 0.5)};
  const auto judgement = only(january(0.05));
  EXPECT_EQ(word(judgement), "warn");
  EXPECT_EQ(judgement.evidence["metric"], "js");
  EXPECT_EQ(judgement.evidence["also"].size(), 1U);
  EXPECT_EQ(verdict(january(0.3)), "page");
}

TEST_F(Rules, inputs_are_judged_over_all_arms_and_the_score_in_each_arm) {
  spec.rules = {rule("drift", "psi", 0.1, 0.25)};
  auto score = column("probability", 0.5);
  score["role"] = "score";
  auto window = window_of("2013-01-01", "2013-02-01", Json::array({column("temp", 0.5), score}));
  EXPECT_EQ(only(window).key.subject, "temp");
  window.arm = "canary";
  window.version = 4;
  EXPECT_EQ(only(window).key, (AlertKey{"drift", "probability", "canary", 4}));
}

TEST_F(Rules, performance_pages_only_when_the_whole_interval_lies_beyond_the_limit) {
  spec.rules = {rule("performance", "auc", 0.75, 0.72, true)};
  EXPECT_EQ(verdict(january_auc(metric(0.70, 0.68, 0.719))), "page");
  EXPECT_EQ(verdict(january_auc(metric(0.70, 0.67, 0.73))), "warn");
  EXPECT_EQ(verdict(january_auc(metric(0.76, 0.74, 0.78))), "holds");
  EXPECT_EQ(verdict(january_auc(metric(0.78, 0.76, 0.80))), "clear");
  EXPECT_EQ(verdict(january_auc(metric(0.50, 0.48, 0.52, 499))), "undecided");
  EXPECT_EQ(verdict(january_auc(nullptr)), "undecided");
  spec.rules = {rule("performance", "auc", std::nullopt, 0.72, true)};
  EXPECT_EQ(verdict(january_auc(metric(0.70, 0.67, 0.73))), "holds");
  const auto judgement = only(january_auc(metric(0.70, 0.68, 0.719)));
  EXPECT_EQ(judgement.evidence["interval"], (Json{{"low", 0.68}, {"high", 0.719}}));
  EXPECT_EQ(judgement.evidence["direction"], "below");
  EXPECT_EQ(judgement.key, (AlertKey{"performance", "auc", "stable", 3}));
}

TEST_F(Rules, an_error_that_grows_breaks_above_its_limit) {
  spec.rules = {rule("performance", "calibration_error", 0.06, std::nullopt)};
  auto window = january_auc(metric(0.8, 0.7, 0.9));
  window.summary["performance"]["calibration_error"] = metric(0.07, 0.05, 0.09);
  EXPECT_EQ(verdict(window), "warn");
  window.summary["performance"]["calibration_error"] = metric(0.054, 0.04, 0.07);
  EXPECT_EQ(verdict(window), "clear");
}

TEST_F(Rules, nulls_are_measured_against_the_reference) {
  spec.rules = {rule("nulls", "rise", 0.05, 0.2)};
  auto missing = column("temp", 0);
  missing["null_rate"] = 0.3;
  auto window = window_of("2013-01-01", "2013-02-01", Json::array({missing}));
  EXPECT_EQ(verdict(window), "page");
  EXPECT_NEAR(only(window).value, 0.29, 1e-12);
  window.summary["columns"][0]["n"] = 600;
  window.summary["columns"][0]["null_rate"] =
      0.22;  // 0.21 over the reference's, with an interval that reaches under 0.2
  EXPECT_EQ(verdict(window), "warn");
  window.summary["columns"][0]["n"] = 499;
  EXPECT_EQ(verdict(window), "undecided");
}

TEST_F(Rules, refusals_are_a_share_of_the_requests_for_each_field) {
  spec.rules = {rule("refusals", "rate", 0.005, 0.02)};
  auto window = window_of("2013-01-01", "2013-02-01");
  EXPECT_TRUE(judged(window).empty());
  window.summary["refusals"] = {{{"field", "temp"}, {"rule", "maximum"}, {"count", 150}},
                                {{"field", "temp"}, {"rule", "required"}, {"count", 50}},
                                {{"field", "origin"}, {"rule", "pattern"}, {"count", 10}}};
  const auto all = judged(window);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].key.subject + " " + word(all[0]), "origin clear");
  EXPECT_EQ(all[1].key.subject + " " + word(all[1]), "temp page");
  EXPECT_EQ(all[1].value, 0.04);
  EXPECT_EQ(all[1].evidence["rules"], (Json{{"maximum", 150}, {"required", 50}}));
}

TEST_F(Rules, a_field_with_an_open_alert_that_is_refused_no_more_is_in_the_clear) {
  spec.rules = {rule("refusals", "rate", 0.005, 0.02)};
  open = {{"refusals", "temp", "all", 0}};
  EXPECT_EQ(verdict(window_of("2013-01-01", "2013-02-01")), "clear");
}

data::DatasetVersion batch(int64_t version, int64_t rows, int64_t quarantined) {
  data::DatasetVersion out;
  out.dataset = "weather";
  out.version = version;
  out.rows = rows;
  out.quarantined = quarantined;
  return out;
}

TEST_F(Rules, the_worst_batch_of_a_dataset_is_judged) {
  spec.rules = {rule("quarantine", "rate", 0.01, 0.03)};
  batches = {batch(9, 2000, 10), batch(10, 2000, 90), batch(11, 2000, 0)};
  const auto judgement = only(window_of("2013-01-01", "2013-02-01"));
  EXPECT_EQ(word(judgement), "page");
  EXPECT_EQ(judgement.evidence["node"], "dataset:weather@10");
  EXPECT_EQ(judgement.key.subject, "weather");
}

TEST_F(Rules, a_small_batch_warns_only_when_its_interval_says_so) {
  spec.rules = {rule("quarantine", "rate", 0.01, 0.03)};
  batches = {batch(1, 72, 1)};
  EXPECT_EQ(verdict(window_of("2013-01-01", "2013-02-01")), "holds");
  batches = {batch(1, 72, 20)};
  EXPECT_EQ(verdict(window_of("2013-01-01", "2013-02-01")), "page");
}

TEST_F(Rules, latency_is_judged_in_each_arm) {
  spec.rules = {rule("latency", "p99_us", 50'000, std::nullopt)};
  auto window = january_auc(nullptr);
  EXPECT_EQ(verdict(window), "undecided");
  window.summary["latency_us"] = {{"p50", 900}, {"p95", 2000}, {"p99", 61'000}, {"mean", 1500}};
  EXPECT_EQ(verdict(window), "warn");
  window.arm = "all";
  EXPECT_TRUE(judged(window).empty());
}

TEST_F(Rules, what_nothing_watches_is_told_apart_from_what_cannot_be_decided) {
  spec.rules = {rule("drift", "psi", 0.1, 0.25), rule("performance", "auc", 0.75, 0.72, true)};
  const AlertKey temp{"drift", "temp", "all", 0}, wind{"drift", "wind", "all", 0}, nulls{"nulls", "temp", "all", 0},
      old{"performance", "auc", "stable", 2}, recall{"performance", "recall", "stable", 3};
  const std::vector<Window> windows{january(0.1), january_auc(metric(0.8, 0.7, 0.9))};
  EXPECT_FALSE(is_unwatched(temp, spec, windows));
  EXPECT_TRUE(is_unwatched(wind, spec, windows));
  EXPECT_TRUE(is_unwatched(nulls, spec, windows));
  EXPECT_TRUE(is_unwatched(old, spec, windows));
  EXPECT_TRUE(is_unwatched(recall, spec, windows));
  auto empty = window_of("2013-01-01", "2013-02-01");
  empty.summary["requests"] = 3;
  EXPECT_FALSE(is_unwatched(wind, spec, {empty}));
  EXPECT_FALSE(is_unwatched(old, spec, {empty}));
}

}  // namespace
}  // namespace millrace::monitor
