#include "core/codes/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(Utf8, good_text_has_no_bad_byte) {
  for (const std::string text :
       {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(text)) << text;
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
}

TEST(Utf8, the_first_bad_byte_is_named) {
  const std::pair<std::string, size_t> cases[] = {
      {"ab\xff", 2},       {"\xc3", 0},         {"a\xc3(", 1},           {"\xc0\x80", 0},
      {"\xe0\x80\x80", 0}, {"\xed\xa0\x80", 0}, {"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0},
      {"x\x80", 1}};
  for (const auto& [text, at] : cases) EXPECT_EQ(first_bad_utf8(text), at) << text;
}

}  // namespace
}  // namespace millrace
