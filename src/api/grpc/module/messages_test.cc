#include "api/grpc/module/messages.h"

#include <gtest/gtest.h>

#include "core/limits.h"

namespace millrace::api::rpc {
namespace {

std::string framed(std::string_view message) {
  std::string out(kPrefix, '\x7F');
  out += message;
  set_prefix(out, 0);
  return out;
}

TEST(GrpcMessages, AreCutFromAnyPieces) {
  const std::string large(70'000, 'x');
  const std::string all = framed("") + framed("one") + framed(large) + framed("last");
  for (const size_t piece : {size_t{1}, size_t{4}, size_t{5}, size_t{16'384}, all.size()}) {
    MessageReader reader;
    std::vector<std::string> found;
    for (size_t at = 0; at < all.size(); at += piece) {
      auto bytes = std::string_view(all).substr(at, piece);
      while (!bytes.empty()) {
        auto message = reader.read(bytes);
        ASSERT_TRUE(message.ok());
        if (*message) found.push_back(std::move(**message));
      }
    }
    EXPECT_EQ(found, (std::vector<std::string>{"", "one", large, "last"})) << piece;
    EXPECT_FALSE(reader.amid());
  }
}

TEST(GrpcMessages, SayWhenOneIsUnderWay) {
  MessageReader reader;
  std::string_view bytes("\0\0", 2);
  ASSERT_TRUE(reader.read(bytes).ok());
  EXPECT_TRUE(reader.amid());
}

TEST(GrpcMessages, CompressedAndLargeOnesAreRefusedByTheirPrefix) {
  MessageReader packed;
  std::string_view bytes("\1\0\0\0\1", 5);
  EXPECT_EQ(packed.read(bytes).error().code(), Code::unsupported);

  MessageReader large;
  bytes = std::string_view("\0\4\0\0\1", 5);  // 64 MiB and one
  const auto refused = large.read(bytes);
  EXPECT_EQ(refused.error().code(), Code::too_large);
  EXPECT_NE(refused.error().text().find("67108865"), std::string::npos);

  MessageReader just;
  bytes = std::string_view("\0\4\0\0\0", 5);
  EXPECT_TRUE(just.read(bytes).ok());
}

TEST(GrpcMessages, TimeoutsHaveUnits) {
  EXPECT_EQ(read_timeout("2H"), 7'200'000'000);
  EXPECT_EQ(read_timeout("3M"), 180'000'000);
  EXPECT_EQ(read_timeout("99999999S"), 99'999'999'000'000);
  EXPECT_EQ(read_timeout("250m"), 250'000);
  EXPECT_EQ(read_timeout("7u"), 7);
  EXPECT_EQ(read_timeout("999n"), 0);
  for (const auto* bad : {"", "m", "5", "5s", "-5m", "+5m", "999999999m", "5 m", "0x5m"})
    EXPECT_FALSE(read_timeout(bad)) << bad;
}

}  // namespace
}  // namespace millrace::api::rpc
