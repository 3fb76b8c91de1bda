#include "report/sections/drift_columns.h"

#include <gtest/gtest.h>

namespace millrace::report {
namespace {

using Names = std::vector<std::string>;

TEST(Distribution, of_numbers_is_open_at_both_ends_and_ends_with_what_is_missing) {
  const auto bins = distribution_of(
      {{"type", "number"}, {"edges", {10, 20}}, {"counts", {1, 2, 3, 4}}, {"reference_counts", {1, 1, 1, 0}}});
  EXPECT_EQ(bins.names, (Names{"< 10", "10", "\xE2\x89\xA5 20", "missing"}));
  EXPECT_EQ(bins.now, (std::vector<double>{1, 2, 3, 4}));
}

TEST(Distribution, of_texts_ends_with_others_and_missing_as_far_as_there_are_any) {
  Json column{
      {"type", "text"}, {"categories", {"AA", 7}}, {"counts", {1, 2, 3, 0}}, {"reference_counts", {1, 2, 0, 0}}};
  EXPECT_EQ(distribution_of(column).names, (Names{"AA", "7", "others"}));
  column["counts"] = {1, 2, 0, 0};
  EXPECT_EQ(distribution_of(column).names, (Names{"AA", "7"}));
  column["counts"] = {1, 2, 0, 5};
  EXPECT_EQ(distribution_of(column).names, (Names{"AA", "7", "others", "missing"}));
}

TEST(Distribution, of_a_damaged_column_has_as_many_names_as_counts) {
  const auto more =
      distribution_of({{"type", "number"}, {"edges", {10}}, {"counts", {1, 2, 3, 4, 5}}, {"reference_counts", {1}}});
  EXPECT_EQ(more.names.size(), 5U);
  EXPECT_EQ(more.reference.size(), 5U);
  const auto none = distribution_of(Json::object());
  EXPECT_TRUE(none.names.empty() && none.now.empty());
}

TEST(DriftColumns, are_sorted_by_their_worst_period_and_keep_gaps) {
  const Json first{{"summary", {{"columns", {{{"column", "a"}, {"psi", 0.1}}}}}}};
  const Json second{
      {"summary",
       {{"columns", {{{"column", "a"}, {"psi", nullptr}}, {{"column", "b"}, {"psi", 2}, {"role", "score"}}}}}}};
  const auto columns = drift_columns({&first, &second});
  ASSERT_EQ(columns.size(), 2U);
  EXPECT_EQ(columns[0].name, "b");
  EXPECT_TRUE(columns[0].score);
  EXPECT_EQ(columns[0].periods[0], nullptr);
  EXPECT_EQ(columns[1].worst, 0.1);
}

}  // namespace
}  // namespace millrace::report
