#include "report/words.h"

#include <gtest/gtest.h>

#include <cmath>

namespace millrace::report {
namespace {

// With plain spaces and signs, so that expectations can be read.
std::string plain(std::string words) {
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\xC2\xA0", " "}, {"\xE2\x88\x92", "-"}})
    for (auto at = words.find(from); at != std::string::npos; at = words.find(from)) words.replace(at, from.size(), to);
  return words;
}

const double kNan = std::nan("");

TEST(Words, numbers) {
  EXPECT_EQ(plain(count(1234567)), "1,234,567");
  EXPECT_EQ(plain(count(-999)), "-999");
  EXPECT_EQ(plain(count(-1000)), "-1,000");
  EXPECT_EQ(plain(decimal(-0.0001, 2)), "0.00");
  EXPECT_EQ(plain(decimal(1234.5678, 2)), "1,234.57");
  EXPECT_EQ(plain(rounded(49.2)), "49.2");
  EXPECT_EQ(plain(rounded(0.020000001)), "0.02");
  EXPECT_EQ(plain(percent(0.0256, 2)), "2.56 %");
  EXPECT_EQ(plain(percent(0.0001)), "< 0.1 %");
  EXPECT_EQ(plain(percent(0.00001, 2)), "< 0.01 %");
  EXPECT_EQ(plain(percent(-0.05)), "-5.0 %");
  EXPECT_EQ(plain(percent(0)), "0.0 %");
  EXPECT_EQ(plain(money(-78420.4, "USD")), "-78,420 USD");
  EXPECT_EQ(plain(money(12.5, "EUR")), "12.50 EUR");
  EXPECT_EQ(plain(money(0.000072, "EUR")), "0.000072 EUR");
}

TEST(Words, what_is_not_known_is_never_a_zero) {
  for (const auto& words : {count(kNan), decimal(kNan, 2), percent(kNan), money(kNan, "USD"), span(kNan), micros(kNan),
                            date(0), moment(0), rounded(HUGE_VAL), period(0, 0), with_interval(Json::object(), 3)})
    EXPECT_EQ(words, kUnknown);
}

TEST(Words, durations) {
  EXPECT_EQ(plain(span(0)), "0 s");
  EXPECT_EQ(plain(span(0.25)), "250 ms");
  EXPECT_EQ(plain(span(90)), "90 s");
  EXPECT_EQ(plain(span(3600)), "60 min");
  EXPECT_EQ(plain(span(8'640)), "2.4 h");
  EXPECT_EQ(plain(span(31 * 86'400)), "31 days");
  EXPECT_EQ(plain(span(-2 * 86'400)), "-2.0 days");
  EXPECT_EQ(plain(micros(410)), "410 \xC2\xB5s");
  EXPECT_EQ(plain(micros(5300)), "5.3 ms");
}

TEST(Words, times) {
  const auto at = *parse_time("2013-10-01T14:05:00Z");
  EXPECT_EQ(plain(date(at)), "1 Oct 2013");
  EXPECT_EQ(plain(moment(at)), "1 Oct 2013 14:05 UTC");
  EXPECT_EQ(plain(month_of("2013-10")), "Oct 2013");
  EXPECT_EQ(plain(month_of("what")), "what");
  EXPECT_EQ(plain(date(-1)), "31 Dec 1969");
  EXPECT_EQ(plain(period(*parse_time("2013-12-01"), *parse_time("2014-01-01"))), "Dec 2013");
  EXPECT_EQ(plain(period(*parse_time("2013-12-02"), *parse_time("2013-12-09"))), "2 Dec 2013 to 8 Dec 2013");
  EXPECT_EQ(plain(period(*parse_time("2013-12-02"), *parse_time("2013-12-03"))), "2 Dec 2013");
}

TEST(Words, intervals) {
  EXPECT_EQ(with_interval({{"value", 0.731}, {"low", 0.72}, {"high", 0.742}}, 3), "0.731 (0.720 to 0.742)");
  EXPECT_EQ(with_interval({{"value", 0.731}, {"low", nullptr}}, 3), "0.731");
}

TEST(Words, documents_may_hold_anything) {
  const Json odd{{"a", "text"}, {"list", {{"x", 1}}}, {"time", "yesterday"}};
  EXPECT_TRUE(std::isnan(number_in(odd, "a")));
  EXPECT_TRUE(std::isnan(number_in(Json(nullptr), "a")));
  EXPECT_TRUE(list_in(odd, "a").empty());
  EXPECT_TRUE(list_in(odd, "list").empty());
  EXPECT_TRUE(object_in(odd, "a").empty());
  EXPECT_EQ(time_in(odd, "time"), 0);
}

}  // namespace
}  // namespace millrace::report
