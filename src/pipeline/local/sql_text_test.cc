#include "pipeline/local/sql_text.h"

#include <gtest/gtest.h>

namespace millrace::pipeline {
namespace {

std::string bound(std::string_view sql, const Json& params) {
  const auto text = bind_params(sql, params, "a.sql");
  return text ? *text : text.error().text();
}

TEST(BindParams, writes_literals) {
  const Json params = {{"t", "it's"}, {"n", -3}, {"x", 0.5}, {"b", true}, {"z", nullptr}, {"l", {1, "a"}}};
  EXPECT_EQ(bound("SELECT $t, 1-$n, $x, $b, $z, $l;\n", params),
            "SELECT 'it''s', 1-(-3), (0.5), TRUE, NULL, [(1), 'a']");
}

TEST(BindParams, leaves_quotes_alone_and_drops_comments) {
  const Json params = {{"a", 1}};
  EXPECT_EQ(bound("SELECT '$a''$a', \"$a\", $$ $a $$, $q$ $a $q$ /* $b */ -- $b\n, $a -- the end; ", params),
            "SELECT '$a''$a', \"$a\", $$ $a $$, $q$ $a $q$   \n, (1)");
}

TEST(BindParams, cannot_be_left_by_a_value) {
  EXPECT_EQ(bound("SELECT $t", {{"t", "'; DROP TABLE x; --"}}), "SELECT '''; DROP TABLE x; --'");
  EXPECT_EQ(bound("SELECT $t", {{"t", "$u"}}), "SELECT '$u'");
}

TEST(BindParams, names_a_parameter_without_a_value) {
  EXPECT_EQ(bound("SELECT 1,\n  $firs", {{"first", 1}}),
            "a.sql:2:3: the parameter $firs has no value. Hint: did you mean $first?");
  const auto odd = bind_params("SELECT $a", {{"a", Json::object()}}, "a.sql");
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code(), Code::unsupported);
}

}  // namespace
}  // namespace millrace::pipeline
