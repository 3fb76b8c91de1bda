#include "data/inputs/glob.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/testing.h"

namespace millrace::data {
namespace {

TEST(Pattern, letters_of_one_name) {
  EXPECT_TRUE(matches_pattern("a/*.csv", "a/x.csv"));
  EXPECT_FALSE(matches_pattern("a/*.csv", "a/b/x.csv")) << "a star stays in its folder";
  EXPECT_TRUE(matches_pattern("part=?/r-[0-9].csv", "part=1/r-7.csv"));
  EXPECT_FALSE(matches_pattern("r-[!0-9].csv", "r-7.csv"));
  EXPECT_TRUE(matches_pattern("r-[ab]*x", "r-bx"));
  EXPECT_TRUE(matches_pattern("[x", "[x")) << "a bracket that does not close is a letter";
  EXPECT_TRUE(matches_pattern("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(matches_pattern("*.csv", "x.csv.gz"));
}

TEST(Pattern, any_number_of_folders) {
  for (const char* path : {"a/x.csv", "a/b/x.csv", "a/b/c/x.csv"})
    EXPECT_TRUE(matches_pattern("a/**/x.csv", path)) << path;
  EXPECT_FALSE(matches_pattern("a/**/x.csv", "b/x.csv"));
  EXPECT_TRUE(matches_pattern("**", "a/b"));
}

TEST(Pattern, knows_the_folder_that_it_starts_from) {
  EXPECT_EQ(fixed_folder("/a/b*/c"), "/a");
  EXPECT_EQ(fixed_folder("b*"), "");
}

TEST(FindMatches, is_sorted_and_does_not_look_deeper_than_the_pattern) {
  const millrace::testing::Folder folder;
  ASSERT_TRUE(make_folders(folder / "x/y"));
  for (const char* name : {"b.csv", "a.csv", "x/c.csv", "x/y/d.csv"}) ASSERT_TRUE(write_file(folder / name, "a\n"));
  EXPECT_EQ(*find_matches(folder / "*.csv"), (std::vector<std::string>{folder / "a.csv", folder / "b.csv"}));
  EXPECT_EQ(find_matches(folder / "**/*.csv")->size(), 4);
  EXPECT_EQ(find_matches(folder / "*.parquet").error().code(), Code::not_found);
  EXPECT_EQ(find_matches(folder / "none/*.csv").error().code(), Code::not_found);
  EXPECT_EQ(find_data_files(folder.path())->size(), 4);
  ASSERT_TRUE(write_file(folder / "x/notes.txt", "a\n"));
  EXPECT_EQ(find_data_files(folder.path()).error().code(), Code::invalid) << "a batch is never silently smaller";
}

TEST(Pattern, of_many_stars_ends_soon) {
  EXPECT_FALSE(matches_pattern("*a*a*a*a*a*a*a*a*a*a*b", std::string(200, 'a')));
  EXPECT_TRUE(matches_pattern("*a*a*b*", std::string(200, 'a') + "b.csv"));
  EXPECT_TRUE(matches_pattern("*[0-9].csv", "part-12.csv"));
  EXPECT_FALSE(matches_pattern("*[0-9].csv", "part-x.csv"));
}

}  // namespace
}  // namespace millrace::data
