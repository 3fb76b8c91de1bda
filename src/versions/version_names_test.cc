#include "versions/version_names.h"

#include <gtest/gtest.h>

namespace millrace::versions {
namespace {

std::string rewritten(const std::string& sql) { return find_version_names(sql)->sql; }

TEST(VersionNames, become_names_that_sql_knows) {
  EXPECT_EQ(rewritten("SELECT * FROM flights@v1"), R"(SELECT * FROM "flights@v1")");
  EXPECT_EQ(rewritten("FROM a@v1.2 JOIN b@HEAD~2 USING (x)"), R"(FROM "a@v1.2" JOIN "b@HEAD~2" USING (x))");
  EXPECT_EQ(rewritten(R"(FROM "data/f 1.parquet"@v1;)"), R"(FROM "data/f 1.parquet@v1";)");
  EXPECT_EQ(rewritten(R"(FROM "flights@v1")"), R"(FROM "flights@v1")");
  EXPECT_EQ(rewritten("FROM flights@v1."), R"(FROM "flights@v1".)");
}

TEST(VersionNames, are_not_looked_for_in_strings_and_comments) {
  for (const std::string sql : {"SELECT 'a@b', 'it''s a@b'", "-- a@b\nSELECT 1", "/* a@b /* c@d */ e@f */ SELECT 1",
                                "SELECT $$a@b$$, $t$ a@b $t$", "SELECT @ -1, x @> y", "SELECT $1, 12a@b"})
    EXPECT_TRUE(find_version_names(sql)->names.empty()) << sql;
}

TEST(VersionNames, are_each_named_once) {
  const auto found = *find_version_names("SELECT * FROM a@v1, a@v1 x, \"a@v1\" y, a@v2");
  ASSERT_EQ(found.names.size(), 2U);
  EXPECT_EQ(found.names[0], (VersionName{"a", "v1"}));
  EXPECT_EQ(found.names[1], (VersionName{"a", "v2"}));
}

TEST(VersionNames, unfinished_text_ends) {
  for (const std::string sql : {"\"a", "'a", "/* a", "$x$ a", "a@", "\"a\"@", "--", "$"})
    EXPECT_EQ(rewritten(sql), sql);
}

}  // namespace
}  // namespace millrace::versions
