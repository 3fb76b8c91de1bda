#include "core/codes/base64.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Base64, is_read_as_it_is_written) {
  for (const std::string& bytes : {std::string(), std::string("a"), std::string("ab"), std::string("abc\0\xff", 5),
                                   std::string("\xff\xfe\xfd\xfb\xef\xbe")}) {
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_any_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_any_base64(to_base64url(bytes)), bytes);
    EXPECT_EQ(to_base64url(bytes).find_first_of("+/="), std::string::npos);
  }
  EXPECT_EQ(to_base64("Man"), "TWFu");
  EXPECT_EQ(to_base64("Ma"), "TWE=");
  EXPECT_EQ(to_base64url("\xff\xfe"), "__4");
}

TEST(Base64, nothing_else_is_read) {
  for (const char* text : {"T", "TW", "TWF", "TWFu=", "TW==TWFu", "TWE ", "TW\nFu", "TQ=", "TR=="})
    EXPECT_FALSE(from_base64(text)) << text;
  for (const char* text : {"a b", "TW\nFu", "T.", "TW==TWFu"}) EXPECT_FALSE(from_any_base64(text)) << text;
}

}  // namespace
}  // namespace millrace
