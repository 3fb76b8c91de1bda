#include "monitor/window/periods.h"

#include <gtest/gtest.h>

namespace millrace::monitor {
namespace {

Micros at(std::string_view text) { return *parse_time(text); }
std::string date(Micros time) { return to_iso(time).substr(0, 10); }

TEST(Periods, are_of_the_calendar) {
  const Micros time = at("2013-07-10T23:59:59.999999Z");
  EXPECT_EQ(to_iso(period_start(Period::day, time)), "2013-07-10T00:00:00.000000Z");
  EXPECT_EQ(date(period_start(Period::week, time)), "2013-07-08");
  EXPECT_EQ(date(period_start(Period::month, time)), "2013-07-01");
  EXPECT_EQ(date(period_start(Period::week, at("2013-07-08"))), "2013-07-08");
  EXPECT_EQ(date(period_start(Period::week, at("2013-07-07"))), "2013-07-01");
  EXPECT_EQ(date(period_end(Period::month, at("2013-12-01"))), "2014-01-01");
  EXPECT_EQ(date(period_end(Period::month, at("2012-02-01"))), "2012-03-01");
  EXPECT_EQ(date(period_end(Period::week, at("2013-12-30"))), "2014-01-06");
}

TEST(Periods, before_1970_too) {
  EXPECT_EQ(date(period_start(Period::month, at("1969-12-31T12:00:00Z"))), "1969-12-01");
  EXPECT_EQ(date(day_of(at("1969-12-31T12:00:00Z"))), "1969-12-31");
}

TEST(Looks, are_whole_steps_from_the_start_and_the_end) {
  const auto looks = [](MonitorSpec spec, std::string_view start) {
    std::string out;
    for (const auto time : looks_of(spec, at(start))) out += date(time) + " ";
    return out;
  };
  EXPECT_EQ(looks({.window = Period::month, .every = Period::week}, "2013-07-01"),
            "2013-07-08 2013-07-15 2013-07-22 2013-07-29 2013-08-01 ");
  EXPECT_EQ(looks({.window = Period::month, .every = Period::week}, "2013-02-01"),
            "2013-02-08 2013-02-15 2013-02-22 2013-03-01 ");
  EXPECT_EQ(looks({.window = Period::month}, "2013-07-01"), "2013-08-01 ");
  EXPECT_EQ(looks({.window = Period::week, .every = Period::day}, "2013-07-01"),
            "2013-07-02 2013-07-03 2013-07-04 2013-07-05 2013-07-06 2013-07-07 2013-07-08 ");
}

}  // namespace
}  // namespace millrace::monitor
