#include "core/codes/content_coding.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(ContentCoding, gives_back_what_it_was_given) {
  for (const auto& text : {std::string(), std::string("a"), std::string(1'000'000, 'x')}) {
    for (const Coding coding : {Coding::identity, Coding::gzip, Coding::deflate}) {
      const auto packed = encode(coding, text);
      ASSERT_TRUE(packed);
      const auto back = decode(coding, *packed, text.size(), 64);
      ASSERT_TRUE(back) << back.error().text();
      EXPECT_EQ(*back, text);
      EXPECT_GE(back->capacity(), text.size() + 64);
    }
  }
}

TEST(ContentCoding, reads_deflate_without_a_head) {
  const std::string packed = *encode(Coding::deflate, "hello");
  EXPECT_EQ(*decode(Coding::deflate, std::string_view(packed).substr(2, packed.size() - 6), 10), "hello");
}

TEST(ContentCoding, a_bomb_ends_at_the_limit) {
  const auto bomb = *encode(Coding::gzip, std::string(10'000'000, '\0'));
  EXPECT_LT(bomb.size(), 100'000U);
  const auto refused = decode(Coding::gzip, bomb, 1'000'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::too_large);
  EXPECT_EQ(decode(Coding::deflate, *encode(Coding::deflate, std::string(101, 'a')), 100).error().code(),
            Code::too_large);
  EXPECT_EQ(decode(Coding::identity, "abc", 2).error().code(), Code::too_large);
}

TEST(ContentCoding, every_cut_and_everything_behind_is_refused) {
  for (const Coding coding : {Coding::gzip, Coding::deflate}) {
    const auto packed = *encode(coding, "a text that is long enough to be packed, packed, packed, packed");
    for (size_t size = 0; size < packed.size(); ++size) {
      const auto cut = decode(coding, std::string_view(packed).substr(0, size), 1000);
      ASSERT_FALSE(cut) << size;
      EXPECT_EQ(cut.error().code(), Code::invalid);
    }
    EXPECT_FALSE(decode(coding, packed + "x", 1000));
    for (size_t at = 0; at < packed.size(); ++at) {
      auto changed = packed;
      changed[at] = static_cast<char>(changed[at] ^ 0x55);
      (void)decode(coding, changed, 1000);
    }
  }
  EXPECT_FALSE(decode(Coding::gzip, "plain text", 1000));
}

TEST(ContentCoding, knows_the_codings_that_it_reads) {
  EXPECT_EQ(*parse_coding(""), Coding::identity);
  EXPECT_EQ(*parse_coding(" GZip "), Coding::gzip);
  EXPECT_EQ(*parse_coding("deflate"), Coding::deflate);
  for (const char* other : {"br", "zstd", "gzip, gzip", "gzip;q=1"}) {
    const auto refused = parse_coding(other);
    ASSERT_FALSE(refused) << other;
    EXPECT_EQ(refused.error().code(), Code::invalid);
    EXPECT_NE(refused.error().text().find(other), std::string::npos);
  }
}

TEST(ContentCoding, chooses_by_weight) {
  EXPECT_EQ(best_coding(""), Coding::identity);
  EXPECT_EQ(best_coding("gzip"), Coding::gzip);
  EXPECT_EQ(best_coding("gzip, deflate, br"), Coding::gzip);
  EXPECT_EQ(best_coding("gzip;q=0.5, deflate;q=0.8"), Coding::deflate);
  EXPECT_EQ(best_coding("gzip;q=0"), Coding::identity);
  EXPECT_EQ(best_coding("*"), Coding::gzip);
  EXPECT_EQ(best_coding("*, gzip;q=0"), Coding::deflate);
  EXPECT_EQ(best_coding("*;q=0, deflate"), Coding::deflate);
  EXPECT_EQ(best_coding("identity, br"), Coding::identity);
  EXPECT_EQ(best_coding("GZIP ; Q=0.001"), Coding::gzip);
  EXPECT_EQ(best_coding("gzip;q=7"), Coding::identity) << "not a weight";
  EXPECT_EQ(best_coding("gzip;q="), Coding::identity);
  EXPECT_EQ(best_coding(",,;,=;q"), Coding::identity);
  EXPECT_EQ(weight_of_coding("gzip, BR;q=0.9", "br"), 900);
  EXPECT_EQ(weight_of_coding("*;q=0.5, br;q=0", "br"), 0);
}

}  // namespace
}  // namespace millrace
