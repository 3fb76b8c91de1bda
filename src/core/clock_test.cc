#include "core/clock.h"

#include <gtest/gtest.h>

#include "core/ids.h"

namespace millrace {
namespace {

TEST(Time, text_and_back_is_the_same_time) {
  for (const Micros time :
       {Micros{0}, Micros{1}, Micros{999'999}, Micros{-1}, Micros{1'370'000'000'123'456}, Micros{951'827'696'000'000},
        Micros{253'402'300'799'999'999}, Micros{-62'135'596'800'000'000}}) {
    const auto back = parse_time(to_iso(time));
    ASSERT_TRUE(back) << to_iso(time);
    EXPECT_EQ(*back, time) << to_iso(time);
  }
}

TEST(Time, reads_dates_fractions_and_zones) {
  EXPECT_EQ(to_iso(*parse_time("2013-07-01")), "2013-07-01T00:00:00.000000Z");
  EXPECT_EQ(to_iso(*parse_time("2013-07-01T05:00")), "2013-07-01T05:00:00.000000Z");
  EXPECT_EQ(to_iso(*parse_time("2013-07-01 05:00:07")), "2013-07-01T05:00:07.000000Z");
  EXPECT_EQ(to_iso(*parse_time("2013-07-01T05:00:00.5+02:00")), "2013-07-01T03:00:00.500000Z");
  EXPECT_EQ(to_iso(*parse_time("2013-07-01T23:30:00-01:30")), "2013-07-02T01:00:00.000000Z");
  EXPECT_EQ(to_iso(*parse_time("2013-07-01T05:00:00.123456789Z")), "2013-07-01T05:00:00.123456Z");
  EXPECT_EQ(to_iso(*parse_time("2012-02-29")), "2012-02-29T00:00:00.000000Z");
}

TEST(Time, refuses_what_is_no_time) {
  for (const char* text : {"",
                           "2013",
                           "2013-7-1",
                           "2013-13-01",
                           "2013-02-29",
                           "2013-07-01T",
                           "2013-07-01T5:00",
                           "2013-07-01T24:00:00",
                           "2013-07-01T05:60:00",
                           "2013-07-01T05:00:60",
                           "2013-07-01T05:00:00.",
                           "2013-07-01T05:00:00.1234567890",
                           "2013-07-01T05:00:00+2",
                           "2013-07-01T05:00:00+02:60",
                           "2013-07-01T05:00:00+24:00",
                           "2013-07-01T05:00:00Zz",
                           "2013-07-01T05:00:00 Z",
                           "2013-07-01T05:00.5",
                           "-013-07-01",
                           "2013-07--1",
                           "+013-07-01",
                           "2013-07-01X05:00:00",
                           "yesterday"})
    EXPECT_FALSE(parse_time(text)) << text;
  EXPECT_EQ(parse_time("soon").error().text(),
            "'soon' is not a time. Hint: write 2013-07-01, 2013-07-01T05:00:00Z or 2013-07-01T05:00:00.5+02:00");
}

TEST(Ids, uuids_sort_by_the_time_they_were_made) {
  ManualClock clock;
  SeededRandom random(1);
  std::string last;
  for (int i = 0; i < 1'000; ++i) {
    const auto id = make_uuid(clock, random);
    EXPECT_LT(last, id);
    last = id;
    clock.advance(1'000);
  }
}

TEST(Ids, a_uuid_carries_version_variant_and_milliseconds) {
  ManualClock clock(0x0123456789abLL * 1000 + 999);
  SeededRandom random(1);
  const auto id = make_uuid(clock, random);
  ASSERT_EQ(id.size(), 36U);
  EXPECT_EQ(id.substr(0, 13), "01234567-89ab");
  EXPECT_EQ(id[14], '7');
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
}

TEST(Ids, the_same_seed_gives_the_same_bytes) {
  SeededRandom one(7), two(7), other(8);
  const auto first = make_hex(one, 16);
  EXPECT_EQ(first, make_hex(two, 16));
  EXPECT_NE(first, make_hex(other, 16));
  EXPECT_EQ(first.size(), 32U);
  EXPECT_EQ(make_token(one).size(), 3U + 64U);
}

TEST(Ids, names_are_plain) {
  for (const char* good : {"a", "late_30", "A-1.b", "0"}) EXPECT_TRUE(is_name(good)) << good;
  for (const char* bad : {"", ".", "..", "a..b", "-a", "_a", "a/b", "a b", "a\n", "\xc3\xa4"})
    EXPECT_FALSE(is_name(bad)) << bad;
  EXPECT_TRUE(is_name(std::string(250, 'a')));
  EXPECT_FALSE(is_name(std::string(251, 'a')));
}

}  // namespace
}  // namespace millrace
