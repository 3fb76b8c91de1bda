#include "report/html.h"

#include <gtest/gtest.h>

#include "report/parts.h"

namespace millrace::report {
namespace {

TEST(Html, escapes_what_users_wrote) {
  EXPECT_EQ(text("<script>alert('x')</script> & \"y\"").bytes(),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;");
  EXPECT_EQ(element("p", {{"title", "\" onmouseover=\"x"}}, text("a")).bytes(),
            "<p title=\"&quot; onmouseover=&quot;x\">a</p>");
  EXPECT_EQ(empty_element("br", {{"class", "<"}}).bytes(), "<br class=\"&lt;\"/>");
}

TEST(Html, replaces_what_is_no_text) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(escape("a\xFFz"), "a" + bad + "z");
  EXPECT_EQ(escape(std::string("a\0b\x1B", 4)), "a" + bad + "b" + bad);
  EXPECT_EQ(escape("tab\tand\nline"), "tab\tand\nline");
  EXPECT_EQ(escape("\xE2\x82"), bad + bad) << "a character that ends early";
}

TEST(Html, does_not_let_a_name_turn_the_direction_of_writing) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(escape("model\xE2\x80\xAE"
                   "exe"),
            "model" + bad + "exe");
  EXPECT_EQ(escape("a\xE2\x81\xA6z"), "a" + bad + "z");
  EXPECT_EQ(escape("caf\xC3\xA9 \xE2\x80\x93 \xE6\x97\xA5"), "caf\xC3\xA9 \xE2\x80\x93 \xE6\x97\xA5");
}

TEST(Html, cuts_what_is_too_long_between_characters) {
  std::string long_text(kTextBytes - 1, 'a');
  EXPECT_EQ(escape(long_text + "z"), long_text + "z");
  EXPECT_EQ(escape(long_text + "\xE2\x80\x93"), long_text + " ...");
}

TEST(Parts, a_table_says_how_many_rows_it_leaves_out) {
  Table all{.caption = "things", .columns = {{"name"}, {"n", true}}};
  for (size_t i = 0; i < kTableRows + 7; ++i) all.rows.push_back(cells({"a", "1"}));
  const auto html = table(all).bytes();
  EXPECT_NE(html.find("things (150 of 157 rows)"), std::string::npos);
  EXPECT_NE(html.find("<th scope=\"col\" class=\"num\">n</th>"), std::string::npos);
}

TEST(Parts, a_table_without_rows_says_so) {
  EXPECT_NE(table({.caption = "things", .columns = {{"name"}}}).bytes().find("nothing yet"), std::string::npos);
}

TEST(Parts, a_figure_has_its_numbers_behind_it) {
  const auto html = figure("what", Html("<svg></svg>"), {.caption = "numbers", .columns = {{"a"}}}).bytes();
  EXPECT_LT(html.find("<svg>"), html.find("<details>"));
  EXPECT_LT(html.find("<details>"), html.find("<table"));
}

}  // namespace
}  // namespace millrace::report
