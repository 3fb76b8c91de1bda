#include "data/ci/words.h"

#include <gtest/gtest.h>

namespace millrace::data::ci {
namespace {

TEST(ToXml, keeps_only_what_xml_has) {
  EXPECT_EQ(to_xml("a<b>&\"\n\t"), "a&lt;b&gt;&amp;&quot;&#10;&#9;");
  EXPECT_EQ(to_xml(std::string_view("\x00\x1b\x7f", 3)), "\\x00\\x1b\\x7f");
  EXPECT_EQ(to_xml("\xff\xc3(\xef\xbf\xbe é"), "\\xff\\xc3(\\ufffe é");
}

TEST(ToMarkdown, leaves_the_table_whole) {
  EXPECT_EQ(to_markdown("a|b\n<i>*x*_`"), "a\\|b &lt;i&gt;\\*x\\*\\_\\`");
  EXPECT_EQ(to_markdown("[x](y) @team \\"), "\\[x\\](y) &#64;team \\\\");
}

TEST(Commands, end_where_they_should) {
  EXPECT_EQ(to_message("100 %\n::error::x"), "100 %25%0A::error::x");
  EXPECT_EQ(to_property("a:b,c\r%"), "a%3Ab%2Cc%0D%25");
}

TEST(ToUri, is_relative_below_the_root) {
  EXPECT_EQ(to_uri("/repo/a b.csv", "/repo"), "a%20b.csv");
  EXPECT_EQ(to_uri("/other/é", "/repo"), "file:///other/%C3%A9");
  EXPECT_EQ(to_uri("s3://b/k", "/repo"), "s3://b/k");
}

}  // namespace
}  // namespace millrace::data::ci
