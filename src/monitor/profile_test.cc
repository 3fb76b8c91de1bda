#include "monitor/profile.h"

#include "monitor/testing.h"

namespace millrace::monitor {
namespace {

class ProfileTest : public testing::MonitorTest {
 protected:
  std::string file(const std::string& select) {
    const auto path = folder / "rows.parquet";
    auto engine = opened(engines().open({}));
    const auto done =
        engine->execute(fmt::format("COPY ({}) TO {} ({})", select, engine::quote_text(path), engine::copy_options()));
    EXPECT_TRUE(done) << done.error().text();
    return path;
  }
  engine::Engines& engines() { return *state->engines; }
  Result<Profile> profile(const std::string& select, std::vector<std::string> only = {}) {
    return profile_file(engines(), {.path = file(select), .temp_folder = folder / "tmp", .missing = -1, .only = only});
  }
  // "edges|categories: counts" of a column.
  static std::string shown(const ColumnProfile& column) {
    return to_text(column.bins.text ? Json(column.bins.categories) : Json(column.bins.edges)) + ": " +
           to_text(Json(column.counts.counts));
  }
};

TEST_F(ProfileTest, numbers_booleans_and_texts_are_profiled_and_others_left_out) {
  const auto done = profile(
      "SELECT i AS whole, CAST(i AS DECIMAL(8, 2)) / 4 AS tenth, i % 2 = 0 AS even, 'c' || (i % 3) AS kind, "
      "make_timestamptz(i) AS at, [i] AS list FROM range(6) r(i)");
  ASSERT_TRUE(done) << done.error().text();
  std::string names;
  for (const auto& column : done->columns) names += column.bins.column + " " + shown(column) + "\n";
  EXPECT_EQ(names,
            "whole [1.0,2.0,3.0,4.0,5.0]: [1,1,1,1,1,1,0]\n"
            "tenth [0.25,0.5,0.75,1.0,1.25]: [1,1,1,1,1,1,0]\n"
            "even [1.0]: [3,3,0]\n"
            "kind [\"c0\",\"c1\",\"c2\"]: [2,2,2,0,0]\n");
  EXPECT_EQ(done->find("WHOLE")->counts.moments.mean, 2.5);
  EXPECT_EQ(done->find("at"), nullptr);
}

TEST_F(ProfileTest, nulls_are_a_bin_of_their_own) {
  const auto done = profile(
      "SELECT * FROM (VALUES (1.5, 'a'), (NULL, NULL), (-1.0, 'a'), ('nan'::DOUBLE, 'b'), ('inf'::DOUBLE, 'b')) t(x, "
      "t)");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->find("x")->counts.nulls(), 3);
  EXPECT_EQ(done->find("x")->counts.null_rate(), 0.6);
  EXPECT_EQ(shown(*done->find("t")), R"(["a","b"]: [2,2,0,1])");
}

TEST_F(ProfileTest, a_column_of_nulls_and_a_file_without_rows_have_one_bin) {
  const auto nulls = profile("SELECT CAST(NULL AS DOUBLE) AS x, CAST(NULL AS VARCHAR) AS t FROM range(3)");
  ASSERT_TRUE(nulls) << nulls.error().text();
  EXPECT_EQ(shown(*nulls->find("x")), "[]: [0,3]");
  EXPECT_EQ(shown(*nulls->find("t")), "[]: [0,3]");
  const auto none = profile("SELECT 1.0 AS x WHERE false");
  ASSERT_TRUE(none) << none.error().text();
  EXPECT_EQ(shown(*none->find("x")), "[]: [0,0]");
  EXPECT_TRUE(std::isnan(none->find("x")->counts.null_rate()));
}

TEST_F(ProfileTest, the_fifty_most_frequent_texts_are_told_apart) {
  const auto done = profile("SELECT 'c' || i AS t FROM range(60) r(i), range(i + 1)");
  ASSERT_TRUE(done) << done.error().text();
  const auto& column = done->columns.front();
  EXPECT_EQ(column.bins.categories.size(), 50U);
  EXPECT_EQ(column.bins.categories.front(), "c59");
  EXPECT_EQ(column.counts.counts[50], 55) << "c0 to c9";
}

TEST_F(ProfileTest, reads_back_as_it_was_written) {
  const auto done = profile("SELECT i / 7 AS x, 'c' || (i % 3) AS t FROM range(100) r(i)");
  ASSERT_TRUE(done) << done.error().text();
  const auto again = Profile::of_json(*parse_json(to_text(done->to_json()), "profile"));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(to_text(again->to_json()), to_text(done->to_json()));
  for (const Json& wrong : {Json(), Json(Json::object()), Json{{"missing", "x"}, {"columns", Json::array()}},
                            Json{{"missing", nullptr}, {"columns", {{{"column", "x"}}}}}})
    EXPECT_EQ(Profile::of_json(wrong).error().code(), Code::corrupt) << wrong;
}

TEST_F(ProfileTest, a_thousand_columns_are_the_most) {
  std::string select = "SELECT 1 AS c0";
  for (int i = 1; i <= 1'000; ++i) select += fmt::format(", 1 AS c{}", i);
  const auto done = profile(select);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "the file has 1001 columns, and 1000 are the most");
}

TEST_F(ProfileTest, values_beyond_single_precision_are_in_the_outer_bins) {
  const auto done = profile("SELECT * FROM (VALUES (1e300), (-1e300), (0.0), ('-inf'::DOUBLE)) t(x)");
  ASSERT_TRUE(done) << done.error().text();
  const auto& counts = done->columns.front().counts.counts;
  EXPECT_EQ(counts, (std::vector<int64_t>{2, 1, 1, 0}));
}

}  // namespace
}  // namespace millrace::monitor
