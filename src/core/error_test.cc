#include "core/error.h"

#include <gtest/gtest.h>

#include "core/result.h"

namespace millrace {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error{Code::invalid, "odd"};
  return value / 2;
}

Result<int> quarter(int value) {
  MILLRACE_TRY(const int once, half(value));
  return half(once);
}

Result<void> must_be_even(int value) {
  MILLRACE_DO(half(value));
  return {};
}

TEST(Error, text_names_what_where_and_the_way_out) {
  const Error error = Error{Code::invalid, "a contract needs 'schema'"}
                          .at({.file = "a.yaml", .line = 3, .column = 7, .field = "schema[0].name"})
                          .hint("add one")
                          .while_doing("reading the contract")
                          .while_doing("planning");
  EXPECT_EQ(
      error.text(),
      "planning: reading the contract: a.yaml:3:7 (field schema[0].name): a contract needs 'schema'. Hint: add one");
}

TEST(Error, text_without_a_place_or_hint_is_the_message) {
  EXPECT_EQ(Error(Code::internal, "broken").text(), "broken");
}

TEST(Error, a_place_shows_only_what_is_known) {
  EXPECT_EQ((Where{.file = "a"}).text(), "a");
  EXPECT_EQ((Where{.file = "a", .line = 2}).text(), "a:2");
  EXPECT_EQ((Where{.file = "a", .line = 0, .column = 4}).text(), "a");
  EXPECT_EQ((Where{.field = "x.y"}).text(), "field x.y");
  EXPECT_TRUE(Where{}.empty());
}

TEST(Error, every_code_has_its_own_name) {
  std::vector<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::internal); ++code)
    names.push_back(name_of(static_cast<Code>(code)));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
  EXPECT_EQ(names.size(), 12U);
}

TEST(Result, holds_a_value_or_an_error) {
  EXPECT_EQ(*quarter(12), 3);
  EXPECT_EQ(quarter(6).error().message(), "odd");
  EXPECT_TRUE(must_be_even(2).ok());
  EXPECT_EQ(must_be_even(3).error().code(), Code::invalid);
  EXPECT_EQ(half(3).value_or(9), 9);
}

TEST(Result, moves_what_cannot_be_copied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(4); };
  const auto use = [&]() -> Result<int> {
    MILLRACE_TRY(const auto owned, make());
    return *owned;
  };
  EXPECT_EQ(*use(), 4);
}

TEST(ResultDeathTest, the_wrong_side_ends_the_process) {
  EXPECT_DEATH((void)half(1).value(), "");
  EXPECT_DEATH((void)half(2).error(), "");
  EXPECT_DEATH((void)Result<void>().error(), "");
}

}  // namespace
}  // namespace millrace
