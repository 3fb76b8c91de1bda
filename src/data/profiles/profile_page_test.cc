#include "data/profiles/profile_page.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace millrace::data {
namespace {

Json number_column(std::vector<int64_t> counts, double sum, int64_t nulls = 0) {
  return {{"type", "number"},
          {"count", 100},
          {"nulls", nulls},
          {"wrong_type", 0},
          {"nan", 0},
          {"infinite", 0},
          {"minimum", 0},
          {"maximum", 10},
          {"sum", sum},
          {"sum_of_squares", 5000},
          {"distinct", {{"value", 11}, {"estimate", false}, {"error", 0}}},
          {"quantiles", {{"shares", {0.5}}, {"values", {5}}, {"error", 0}}},
          {"histogram", {{"edges", {0, 5, 10}}, {"counts", counts}}}};
}

Json text_column(const std::string& often, const std::string& rarely) {
  return {{"type", "string"},
          {"count", 100},
          {"nulls", 0},
          {"top", {{{"value", often}, {"count", 80}}, {{"value", rarely}, {"count", 15}}}}};
}

Json profile(Json columns, int64_t rows = 100) { return {{"rows", rows}, {"columns", std::move(columns)}}; }

std::string told(const ProfileDiff& diff) {
  std::string out;
  for (const auto& column : diff.columns)
    out += fmt::format("{} {}; ", column["column"].get<std::string>(), column["change"].get<std::string>());
  return out;
}

TEST(ProfileColumns, are_those_of_the_profile_with_means_made_of_sums) {
  const auto columns =
      profile_columns(profile({{"b", number_column({0, 50, 50, 0}, 450, 10)}, {"a", text_column("x", "y")}}), nullptr);
  ASSERT_EQ(columns.size(), 2U);
  EXPECT_EQ(columns[0]["column"], "a");
  EXPECT_EQ(columns[0]["histogram"], nullptr);
  EXPECT_EQ(columns[0]["top"][0]["value"], "x");
  EXPECT_EQ(columns[1]["mean"], 5.0);
  EXPECT_DOUBLE_EQ(columns[1]["null_rate"].get<double>(), 0.1);
  EXPECT_EQ(columns[1]["distinct"]["exact"], true);
  EXPECT_EQ(columns[1]["quantiles"]["exact"], true);
  EXPECT_EQ(columns[1]["masked"], false);
}

TEST(ProfileDiff, says_what_came_went_and_moved_the_worst_first) {
  const auto before = profile({{"gone", text_column("x", "y")},
                               {"kind", number_column({0, 50, 50, 0}, 500)},
                               {"quiet", number_column({0, 50, 50, 0}, 500)},
                               {"moved", number_column({0, 90, 10, 0}, 300)},
                               {"text", text_column("x", "y")}});
  auto other = number_column({0, 52, 48, 0}, 490);
  const auto after = profile({{"came", text_column("x", "y")},
                              {"kind", text_column("x", "y")},
                              {"quiet", other},
                              {"moved", number_column({0, 10, 90, 0}, 700)},
                              {"text", text_column("z", "y")}});
  const auto diff = diff_profiles(before, after);
  EXPECT_EQ(told(diff), "came added; gone removed; kind type; text shift; moved shift; quiet none; ");
  const auto& moved = diff.columns[4];
  EXPECT_GT(moved["psi"].get<double>(), 1);
  EXPECT_EQ(moved["mean"], (Json{{"from", 3.0}, {"to", 7.0}}));
  EXPECT_EQ(moved["histogram"]["from"], (Json{0, 90, 10, 0}));
  EXPECT_EQ(diff.columns[2]["type"], "number to string");
  EXPECT_EQ(diff.columns[3]["top"][0]["from"].get<int64_t>() + diff.columns[3]["top"][0]["to"].get<int64_t>(), 80);
}

TEST(ProfileDiff, calls_nothing_a_shift_that_few_rows_give_by_chance) {
  const auto before = profile({{"x", number_column({0, 3, 2, 0}, 20)}}, 5);
  const auto after = profile({{"x", number_column({0, 1, 4, 0}, 30)}}, 5);
  EXPECT_EQ(told(diff_profiles(before, after)), "x none; ");
}

TEST(ProfileDiff, compares_no_histograms_over_other_edges) {
  auto other = number_column({0, 50, 50, 0}, 500);
  other["histogram"]["edges"] = {0, 6, 10};
  const auto diff = diff_profiles(profile({{"x", number_column({0, 50, 50, 0}, 500)}}), profile({{"x", other}}));
  EXPECT_EQ(diff.columns[0]["psi"], nullptr);
  EXPECT_EQ(diff.columns[0]["histogram"], nullptr);
  EXPECT_EQ(told(diff), "x none; ");
}

TEST(ProfileDiff, of_missing_values_is_a_shift_of_its_own) {
  const auto before = profile({{"x", number_column({0, 50, 50, 0}, 500, 0)}});
  const auto after = profile({{"x", number_column({0, 40, 40, 0}, 400, 20)}});
  const auto diff = diff_profiles(before, after);
  EXPECT_EQ(told(diff), "x shift; ");
  EXPECT_EQ(diff.columns[0]["nulls"], (Json{{"from", 0.0}, {"to", 0.2}}));
}

}  // namespace
}  // namespace millrace::data
