#include "impact/impact.h"

#include <gtest/gtest.h>

#include "registry/testing.h"

namespace millrace::impact {
namespace {

class ImpactTest : public testing::RegistryTest {
 protected:
  std::vector<monitor::Window> windows;
  std::vector<monitor::Alert> alerts;

  Impact impact() {
    return Impact({.database = *services->database,
                   .datasets = services->datasets,
                   .registry = *models,
                   .windows = [this](const std::string&, const std::string&) { return windows; },
                   .alerts = [this](const std::string&, const std::string&) { return alerts; }});
  }
  void with_value() {
    deployments +=
        "value:\n  late: {currency: USD, true_positive: 60, false_positive: -15, false_negative: -40, true_negative: "
        "0}\n";
    write_project(1);
  }
  static monitor::Alert caused(const std::string& node) {
    monitor::Alert out{.id = "alert-1", .deployment = "late", .kind = "drift", .subject = "temp"};
    out.fired_at = *parse_time("2013-11-01");
    out.resolved_at = *parse_time("2013-11-04");
    out.trace = {{"verdict", "cause"}, {"cause", {{"node", node}, {"columns", {"temp"}}, {"change", "unit"}}}};
    return out;
  }
};

TEST_F(ImpactTest, refuses_a_deployment_without_value_and_says_what_to_write) {
  const auto found = impact().of("default", loaded(), "late");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::not_found);
  EXPECT_EQ(found.error().message(), "the project gives the deployment 'late' no value");
  EXPECT_TRUE(found.error().hint().starts_with("add to millrace.yaml: value: {late: {currency: USD"));
}

TEST_F(ImpactTest, is_a_whole_document_before_anything_happened) {
  with_value();
  const auto found = impact().of("default", loaded(), "late");
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_TRUE(found->at("months").empty());
  EXPECT_TRUE(found->at("lead_times").empty());
  EXPECT_TRUE(found->at("reactions").empty());
}

TEST_F(ImpactTest, measures_lead_time_from_the_data_that_the_version_stands_on) {
  add_planes("tailnum,seats\nN1,100\n");
  with_value();
  const auto version = registered();
  evaluated(version.version);
  ASSERT_TRUE(approved(bob, version.version));
  world.clock.advance(3'600'000'000);
  ASSERT_TRUE(released(version.version));
  const auto found = impact().of("default", loaded(), "late");
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->at("lead_times").size(), 1U);
  const auto& lead = found->at("lead_times").at(0);
  EXPECT_EQ(lead.at("number"), 1);
  EXPECT_GE(lead.at("recorded_seconds").get<double>(), 3600);
  EXPECT_TRUE(lead.at("event_seconds").is_null()) << "a snapshot has no period";
}

TEST_F(ImpactTest, tells_how_long_an_alert_with_a_cause_took) {
  add_planes("tailnum,seats\nN1,100\n");
  with_value();
  auto silent = caused("");
  silent.trace = {{"verdict", "natural_drift"}, {"cause", nullptr}};
  alerts = {caused("dataset:planes@1"), silent};
  const auto found = impact().of("default", loaded(), "late");
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->at("reactions").size(), 1U) << "only a known cause can be timed";
  const auto& reaction = found->at("reactions").at(0);
  EXPECT_TRUE(reaction.at("detect_seconds").is_null()) << "a snapshot has no period to start from";
  EXPECT_EQ(reaction.at("restore_seconds"), 3 * 86'400);
  EXPECT_EQ(reaction.at("cause"), "dataset:planes@1");
}

TEST_F(ImpactTest, an_alert_whose_cause_is_gone_keeps_its_end) {
  with_value();
  alerts = {caused("dataset:weather@10"), caused("release:late@2"), caused("dataset:weather@x")};
  alerts[1].resolved_at = 0;
  const auto found = impact().of("default", loaded(), "late");
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->at("reactions").size(), 3U);
  EXPECT_TRUE(found->at("reactions").at(0).at("cause_from").is_null());
  EXPECT_EQ(found->at("reactions").at(1).at("open"), true);
}

}  // namespace
}  // namespace millrace::impact
