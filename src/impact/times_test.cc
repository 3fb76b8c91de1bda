#include "impact/times.h"

#include <gtest/gtest.h>

namespace millrace::impact {
namespace {

constexpr Micros kDay = 86'400'000'000;

TEST(LeadTime, counts_from_the_newest_data_on_each_clock) {
  const auto lead =
      lead_time({{.node = "dataset:flights@6", .period_from = 1, .period_to = 180 * kDay, .recorded_at = 900 * kDay},
                 {.node = "dataset:weather@6", .period_from = 1, .period_to = 181 * kDay, .recorded_at = 901 * kDay},
                 {.node = "dataset:planes@1", .recorded_at = 902 * kDay}},
                190 * kDay, 902 * kDay + 60);
  EXPECT_EQ(lead.newest_event, 181 * kDay);
  EXPECT_EQ(lead.newest_recorded, 902 * kDay);
  EXPECT_EQ(*lead.event, 9 * kDay);
  EXPECT_EQ(*lead.recorded, 60);
}

TEST(LeadTime, is_unknown_without_periods_or_data) {
  const auto snapshot = lead_time({{.node = "dataset:planes@1", .recorded_at = 5}}, 100, 7);
  EXPECT_FALSE(snapshot.event);
  EXPECT_EQ(*snapshot.recorded, 2);
  const auto nothing = lead_time({}, 100, 100);
  EXPECT_FALSE(nothing.event);
  EXPECT_FALSE(nothing.recorded);
}

TEST(Reaction, from_cause_to_alert_to_end) {
  const auto done = reaction(273 * kDay, 304 * kDay, 310 * kDay);
  EXPECT_EQ(*done.to_detect, 31 * kDay);
  EXPECT_EQ(*done.to_restore, 6 * kDay);
  EXPECT_FALSE(done.open);
}

TEST(Reaction, of_an_open_alert_has_no_end) {
  const auto open = reaction(273 * kDay, 304 * kDay, 0);
  EXPECT_EQ(*open.to_detect, 31 * kDay);
  EXPECT_FALSE(open.to_restore);
  EXPECT_TRUE(open.open);
}

TEST(Reaction, without_a_period_of_the_cause_or_before_firing_says_nothing) {
  EXPECT_FALSE(reaction(0, 304 * kDay, 310 * kDay).to_detect);
  const auto pending = reaction(273 * kDay, 0, 0);
  EXPECT_FALSE(pending.to_detect);
  EXPECT_FALSE(pending.open);
}

}  // namespace
}  // namespace millrace::impact
