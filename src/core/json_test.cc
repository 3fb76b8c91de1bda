#include "core/json.h"

#include <gtest/gtest.h>

#include "core/limits.h"

namespace millrace {
namespace {

std::string error_of(std::string_view text) {
  auto parsed = parse_json(text, "body");
  return parsed ? "" : parsed.error().text();
}

std::string nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

std::string object_of(size_t keys) {
  std::string out = "{";
  for (size_t i = 0; i < keys; ++i) out += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  return out + "}";
}

TEST(Json, is_written_with_sorted_keys) {
  EXPECT_EQ(to_text(*parse_json(R"( {"b": [1, 2.5, null], "a": {"d": "x", "c": true}} )", "body")),
            R"({"a":{"c":true,"d":"x"},"b":[1,2.5,null]})");
}

TEST(Json, a_key_that_stands_twice_is_named) {
  EXPECT_EQ(error_of(R"({"a": {"b": 1, "b": 2}})"),
            "body (field a.b): not valid JSON: the key 'b' stands twice in one object");
  EXPECT_EQ(error_of(R"([0, {"x": [{"y": 1, "y": 1}]}])"),
            "body (field [1].x[0].y): not valid JSON: the key 'y' stands twice in one object");
  EXPECT_EQ(error_of(R"([{"a": 1}, {"a": 1}])"), "");
}

TEST(Json, a_syntax_error_has_line_and_column) {
  EXPECT_EQ(error_of("{\n  \"a\": x}").substr(0, 27), "body:2:8: not valid JSON: i");
  EXPECT_EQ(error_of("{a").substr(0, 9), "body:1:2:");
  EXPECT_NE(error_of("").find("unexpected end of input"), std::string::npos);
}

TEST(Json, a_nul_byte_is_not_the_end_of_a_document) {
  for (const std::string& text : {std::string("{}\0", 3), std::string("{}\0x", 4), std::string("\0", 1)})
    EXPECT_FALSE(parse_json(text, "test"));
}

TEST(Json, refuses_trailing_text_and_broken_documents) {
  for (const char* text : {"{} x",      "1 2",     "{} {}", "[1,]",    "{\"a\":1,}", "{'a': 1}",   "nul", "NaN",
                           "Infinity",  "-",       "01",    "1.",      ".5",         "+1",         "\"a", "\"\n\"",
                           "\"\\x41\"", "// c\n1", "[1",    "{\"a\"}", "1e999",      "\"\\ud800\""})
    EXPECT_FALSE(parse_json(text, "body")) << text;
}

TEST(Json, refuses_text_that_is_not_utf8) {
  for (const char* text : {"\"\xff\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\""}) {
    EXPECT_NE(error_of(text).find("UTF-8"), std::string::npos) << error_of(text);
  }
  EXPECT_EQ(parse_json("\"\xf0\x9f\x98\x80\"", "body")->get<std::string>(), "\xf0\x9f\x98\x80");
}

TEST(Json, depth_is_bounded) {
  EXPECT_TRUE(parse_json(nested(limits::json_depth), "body"));
  EXPECT_NE(error_of(nested(limits::json_depth + 1)).find("nested deeper than 64 levels"), std::string::npos);
  EXPECT_FALSE(parse_json(std::string(1'000'000, '['), "body"));
}

TEST(Json, keys_and_digits_are_bounded) {
  EXPECT_TRUE(parse_json(object_of(limits::json_keys), "body"));
  EXPECT_NE(error_of(object_of(limits::json_keys + 1)).find("more than 10000 keys"), std::string::npos);
  const std::string digits = "1." + std::string(limits::json_number_digits - 2, '1');
  EXPECT_TRUE(parse_json(digits, "body"));
  EXPECT_FALSE(parse_json(digits + "1", "body"));
}

TEST(Json, a_long_problem_is_shortened) {
  EXPECT_LT(error_of("{\"" + std::string(100'000, 'a') + "\" 1}").size(), 400U);
}

TEST(Json, invalid_text_is_written_replaced) { EXPECT_EQ(to_text(Json("a\xff")), "\"a\xef\xbf\xbd\""); }

TEST(Json, a_field_of_another_type_is_an_error_with_its_name) {
  const Json body{{"name", "x"}, {"count", 3}, {"big", UINT64_MAX}, {"share", 0.5}};
  EXPECT_EQ(*get_string(body, "name"), "x");
  EXPECT_EQ(*get_integer(body, "count"), 3);
  EXPECT_EQ(*get_number(body, "count"), 3.0);
  EXPECT_EQ(get_string(body, "count").error().text(), "field count: 'count' must be a string, not 3");
  EXPECT_EQ(get_integer(body, "share").error().text(), "field share: 'share' must be an integer, not 0.5");
  EXPECT_EQ(get_number(body, "none").error().text(), "field none: 'none' is missing");
  EXPECT_FALSE(get_integer(body, "big"));
  EXPECT_FALSE(get_string(Json(1), "a"));
  EXPECT_EQ(string_or(body, "count", "y"), "y");
  EXPECT_EQ(integer_or(body, "none", 7), 7);
  EXPECT_EQ(number_or(body, "share", 7), 0.5);
  EXPECT_EQ(find(Json::array(), "a"), nullptr);
}

}  // namespace
}  // namespace millrace
