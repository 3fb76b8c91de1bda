#include "api/ranges.h"

#include <gtest/gtest.h>

namespace millrace::api {
namespace {

constexpr std::string_view kTag = "\"sha256:ab\"";

Wanted ask(Pairs headers, int64_t size = 1000) {
  Request request;
  request.headers = std::move(headers);
  return wanted_bytes(request, size, kTag);
}
std::string text(const Wanted& wanted) {
  return std::to_string(wanted.status) + " " + std::to_string(wanted.offset) + "+" + std::to_string(wanted.length);
}
std::string range(const std::string& value, int64_t size = 1000) { return text(ask({{"range", value}}, size)); }

TEST(Ranges, one_range_of_bytes_is_answered) {
  EXPECT_EQ(range("bytes=0-0"), "206 0+1");
  EXPECT_EQ(range("bytes=0-999"), "206 0+1000");
  EXPECT_EQ(range("bytes=10-19"), "206 10+10");
  EXPECT_EQ(range("bytes=990-"), "206 990+10");
  EXPECT_EQ(range("bytes=990-5000"), "206 990+10");
  EXPECT_EQ(range("bytes=-10"), "206 990+10");
  EXPECT_EQ(range("bytes=-5000"), "206 0+1000");
  EXPECT_EQ(range("bytes=0-99999999999999999999999"), "206 0+1000");
  EXPECT_EQ(range("bytes = 1-2"), "200 0+1000");
}

TEST(Ranges, what_lies_beyond_the_end_is_416) {
  EXPECT_EQ(ask({{"range", "bytes=1000-"}}).status, 416);
  EXPECT_EQ(ask({{"range", "bytes=99999999999999999999999-"}}).status, 416);
  EXPECT_EQ(ask({{"range", "bytes=-0"}}).status, 416);
  EXPECT_EQ(ask({{"range", "bytes=0-"}}, 0).status, 416);
  const auto reply = ranged_reply({.status = 416}, 1000, std::string(kTag));
  EXPECT_EQ(reply.headers.back().second, "bytes */1000");
}

TEST(Ranges, what_is_no_single_range_gets_the_whole) {
  for (const auto* value : {"bytes=", "bytes=-", "bytes=5", "bytes=9-5", "bytes=a-b", "bytes=1-2,4-5", "bytes=1-2x",
                            "bytes=+1-2", "bytes=--1", "items=0-1", "bytes=0x1-2"})
    EXPECT_EQ(range(value), "200 0+1000") << value;
}

TEST(Ranges, a_range_holds_only_for_the_file_that_the_client_has) {
  EXPECT_EQ(text(ask({{"range", "bytes=5-"}, {"if-range", std::string(kTag)}})), "206 5+995");
  EXPECT_EQ(text(ask({{"range", "bytes=5-"}, {"if-range", "\"sha256:other\""}})), "200 0+1000");
  EXPECT_EQ(text(ask({{"range", "bytes=5-"}, {"if-range", "W/\"sha256:ab\""}})), "200 0+1000");
  EXPECT_EQ(text(ask({{"range", "bytes=5-"}, {"if-range", "Wed, 21 Oct 2015 07:28:00 GMT"}})), "200 0+1000");
}

TEST(Ranges, who_has_the_file_gets_none) {
  EXPECT_EQ(ask({{"if-none-match", std::string(kTag)}}).status, 304);
  EXPECT_EQ(ask({{"if-none-match", "\"a\", W/" + std::string(kTag)}}).status, 304);
  EXPECT_EQ(ask({{"if-none-match", "*"}}).status, 304);
  EXPECT_EQ(ask({{"if-none-match", "\"a\""}}).status, 200);
}

}  // namespace
}  // namespace millrace::api
