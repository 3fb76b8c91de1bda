#include "monitor/spec.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/testing.h"

namespace millrace::monitor {
namespace {

constexpr std::string_view kRest =
    "millrace: 1\nproject: flights\npipeline:\n  stages:\n    training: {sql: t.sql, outs: [training.parquet]}\n"
    "    reevaluate: {cmd: python e.py, outs: [scored.parquet]}\ndeployments:\n  late: {model: late}\n";

class Spec : public ::testing::Test {
 protected:
  Result<std::vector<MonitorSpec>> read(const std::string& monitors) {
    EXPECT_TRUE(write_file(folder_ / "millrace.yaml", std::string(kRest) + monitors));
    const auto project = load_project(folder_.path());
    EXPECT_TRUE(project) << project.error().text();
    return read_monitors(*project);
  }
  // The message and hint of what is wrong with one monitor.
  std::string error(const std::string& body) {
    const auto specs = read("monitors:\n  late: {" + body + "}\n");
    if (specs) return "ok";
    EXPECT_GT(specs.error().where().line, 0) << specs.error().text();
    return specs.error().message() + " | " + specs.error().hint();
  }

 private:
  testing::Folder folder_;
};

TEST_F(Spec, reads_all_that_is_watched) {
  const auto specs = read(R"(monitors:
  late:
    window: month
    every: week
    min_rows: 300
    missing: -1
    reference: {stage: training, file: training.parquet}
    drift: {psi: {warn: 0.1, page: 0.25}, js: {page: 0.2}}
    nulls: {rise: {warn: 0.05, page: 0.2}}
    performance: {auc: {page_below: 0.72, warn_below: 0.75}, calibration_error: {warn_above: 0.06}}
    refusals: {rate: {warn: 0.005, page: 0.02}}
    quarantine: {rate: {warn: 0.01, page: 0.03}}
    latency: {p99_us: {warn: 50000}}
    for: 2
    on: {page: review, warn: none, natural_drift: {retrain: reevaluate, cooldown_days: 30}}
)");
  ASSERT_TRUE(specs) << specs.error().text();
  ASSERT_EQ(specs->size(), 1U);
  const auto& spec = specs->front();
  EXPECT_EQ(spec.deployment, "late");
  EXPECT_EQ(spec.window, Period::month);
  EXPECT_EQ(spec.every, Period::week);
  EXPECT_EQ(spec.min_rows, 300);
  EXPECT_EQ(spec.missing, -1);
  EXPECT_EQ(spec.reference_stage, "training");
  EXPECT_EQ(spec.reference_file, "training.parquet");
  EXPECT_EQ(spec.for_looks, 2);
  EXPECT_EQ(spec.on.page, "review");
  EXPECT_EQ(spec.on.retrain_target, "reevaluate");
  EXPECT_EQ(spec.on.cooldown_days, 30);
  std::string rules;
  for (const auto& rule : spec.rules)
    rules += rule.kind + "." + rule.metric + (rule.bound.below ? " below" : " above") +
             (rule.bound.warn ? " warn" : "") + (rule.bound.page ? " page" : "") + "\n";
  EXPECT_EQ(rules,
            "drift.psi above warn page\ndrift.js above page\nnulls.rise above warn page\n"
            "performance.auc below warn page\nperformance.calibration_error above warn\n"
            "refusals.rate above warn page\nquarantine.rate above warn page\nlatency.p99_us above warn\n");
  EXPECT_EQ(spec.rules[3].bound.page, 0.72);
  EXPECT_EQ(spec.rules[3].bound.warn, 0.75);
}

TEST_F(Spec, what_is_left_out_has_a_default) {
  const auto specs = read("monitors:\n  late: {}\n");
  ASSERT_TRUE(specs) << specs.error().text();
  const auto& spec = specs->front();
  EXPECT_EQ(spec.window, Period::month);
  EXPECT_FALSE(spec.every);
  EXPECT_EQ(spec.min_rows, 500);
  EXPECT_FALSE(spec.missing);
  EXPECT_TRUE(spec.rules.empty());
  EXPECT_EQ(spec.for_looks, 1);
  EXPECT_EQ(spec.on.page, "review");
  EXPECT_EQ(spec.on.warn, "none");
  EXPECT_EQ(spec.on.retrain_target, "");
  EXPECT_TRUE(read("")->empty());
}

TEST_F(Spec, a_look_as_long_as_its_window_is_one_at_its_end) {
  EXPECT_FALSE(read("monitors:\n  late: {window: week, every: week}\n")->front().every);
  EXPECT_FALSE(read("monitors:\n  late: {window: week, every: window}\n")->front().every);
  EXPECT_EQ(error("window: day, every: week"),
            "a window of a day cannot be looked at every week | write every: window, or a longer window");
}

TEST_F(Spec, a_wrong_name_has_its_place_and_the_nearest_right_one) {
  EXPECT_EQ(error("windw: month"), "unknown key 'windw' | did you mean 'window'?");
  EXPECT_EQ(error("window: mont"), "there is no window 'mont' | did you mean 'month'?");
  EXPECT_EQ(error("every: year"), "there is no period 'year' | there are: day, week, window");
  EXPECT_EQ(error("reference: {stage: trainin, file: training.parquet}"),
            "there is no stage 'trainin' | did you mean 'training'?");
  EXPECT_EQ(error("reference: {stage: training, file: trainin.parquet}"),
            "there is no out of the stage 'training' named 'trainin.parquet' | did you mean 'training.parquet'?");
  EXPECT_EQ(error("drift: {psy: {warn: 1}}"), "there is no metric of drift named 'psy' | did you mean 'psi'?");
  EXPECT_EQ(error("performance: {auc: {warn_belo: 1}}"), "there is no limit 'warn_belo' | did you mean 'warn_below'?");
  EXPECT_EQ(error("performance: {auc: {warn_above: 0.9}}"),
            "there is no limit 'warn_above' | there are: warn_below, page_below");
  EXPECT_EQ(error("on: {page: reviw}"), "there is no answer to an alert named 'reviw' | did you mean 'review'?");
  EXPECT_EQ(error("on: {natural_drift: {retrain: reevaluat}}"),
            "there is no stage 'reevaluat' | did you mean 'reevaluate'?");
  EXPECT_EQ(read("monitors:\n  lat: {}\n").error().message(), "there is no deployment 'lat'");
  EXPECT_EQ(read("monitors: [late]\n").error().message(), "monitors is a map of deployments");
}

TEST_F(Spec, values_out_of_range_are_refused) {
  EXPECT_EQ(error("min_rows: 0"), "min_rows is 0, and must be from 1 to 1000000000 | ");
  EXPECT_EQ(error("for: 101"), "for is 101, and must be from 1 to 100 | ");
  EXPECT_EQ(error("missing: none"), "expected a number, not 'none' | ");
  EXPECT_EQ(error("performance: {auc: {page_below: 72}}"), "page_below is 72, and auc is from 0 to 1 | ");
  EXPECT_EQ(error("latency: {p99_us: {warn: -1}}"), "warn is -1, and p99_us is never less than 0 | ");
  EXPECT_EQ(error("performance: {auc: {page_below: 0.8, warn_below: 0.7}}"),
            "warn_below 0.7 lies beyond page_below 0.8: nothing would only warn | exchange the two");
  EXPECT_EQ(error("refusals: {rate: {warn: 0.2, page: 0.1}}"),
            "warn 0.2 lies beyond page 0.1: nothing would only warn | exchange the two");
  EXPECT_EQ(error("refusals: {rate: {}}"), "rate has no limit | give warn or page");
  EXPECT_EQ(error("refusals: {rate: 0.1}"), "rate has limits | write e.g. rate: {warn: ..., page: ...}");
  EXPECT_EQ(error("refusals: 1"), "refusals is a map of metrics and their limits | there are: rate");
}

TEST_F(Spec, drift_needs_something_to_be_measured_against) {
  EXPECT_EQ(error("drift: {psi: {warn: 0.1}}"),
            "drift is measured against a reference, and there is none | add e.g. reference: {stage: training, file: "
            "training.parquet}");
  EXPECT_EQ(error("nulls: {rise: {warn: 0.1}}").substr(0, 5), "nulls");
}

}  // namespace
}  // namespace millrace::monitor
