#include "engine/dialect.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <limits>

#include "engine/testing.h"

namespace millrace::engine {
namespace {

// What is asserted here holds for every engine; the texts of SQL do not appear.
class DialectTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_NE(engine_, nullptr); }
  std::string of(const std::string& expression, const std::string& x) {
    return answer(*engine_, fmt::format("SELECT {} FROM (SELECT {} AS x)", expression, x));
  }
  std::string parsed(SqlType type, std::string_view text) { return of(sql_.parse("x", type), sql_.quote_text(text)); }

  // One session an engine: a server's is dear.
  static Engine* engine(const std::string& name) {
    auto& session = sessions_[name];
    if (session == nullptr) session = name == "duckdb" ? open_engine() : open_spark();
    return session.get();
  }
  // Before the thread's own data goes, which DuckDB reads when it ends.
  static void TearDownTestSuite() { sessions_.clear(); }
  static inline std::map<std::string, std::unique_ptr<Engine>> sessions_;

  Engine* engine_ = engine(GetParam());
  const Dialect& sql_ = engine_ == nullptr ? engine("duckdb")->dialect() : engine_->dialect();
  const std::string null_number_ = sql_.cast("NULL", SqlType::number);
};

// tests/system/test_executors.py starts a Spark server and names it.
std::vector<std::string> engines_here() {
  return std::getenv("MILLRACE_SPARK") == nullptr ? std::vector<std::string>{"duckdb"}
                                                  : std::vector<std::string>{"duckdb", "spark"};
}

INSTANTIATE_TEST_SUITE_P(Engines, DialectTest, ::testing::ValuesIn(engines_here()),
                         [](const auto& test) { return test.param; });

TEST_P(DialectTest, names_and_texts_survive_any_character) {
  const std::string odd = "a`\"'\\ ${x} \n \u00e9;--";
  EXPECT_EQ(answer(*engine_, fmt::format("SELECT {0} FROM (SELECT {1} AS {0})", sql_.quote_name("a`\"'\\ é;--"),
                                         sql_.quote_text(odd))),
            to_text(Json(odd)));
}

TEST_P(DialectTest, plain_texts_become_values_or_null) {
  EXPECT_EQ(parsed(SqlType::integer, "+7.00"), "7");
  EXPECT_EQ(parsed(SqlType::integer, "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(parsed(SqlType::integer, "9223372036854775808"), "null");
  EXPECT_EQ(parsed(SqlType::number, "-1.5e3"), "-1500.0");
  EXPECT_EQ(parsed(SqlType::number, ".5"), "0.5");
  EXPECT_EQ(of(sql_.is_nan(sql_.parse("x", SqlType::number)), "'NaN'"), "true");
  EXPECT_EQ(of(sql_.is_infinite(sql_.parse("x", SqlType::number)), "'-Infinity'"), "true");
  EXPECT_EQ(parsed(SqlType::date, "2012-02-29"), "\"2012-02-29\"");
  EXPECT_EQ(parsed(SqlType::date, "2013-02-29"), "null");
  EXPECT_EQ(parsed(SqlType::time, "23:59"), "\"23:59:00.000000\"");
  EXPECT_EQ(parsed(SqlType::time, "25:00"), "null");
  EXPECT_EQ(parsed(SqlType::timestamp, "1969-12-31T23:59:59.5Z"), "\"1969-12-31T23:59:59.500000Z\"");
  EXPECT_EQ(parsed(SqlType::timestamp, "2013-01-01 24:30:00"), "null");
  EXPECT_EQ(of(sql_.parse_zoned("x"), "'2013-01-01T05:00:00+05:30'"), "\"2012-12-31T23:30:00.000000Z\"");
}

TEST_P(DialectTest, a_written_format_is_read_by_its_parts) {
  using Field = TimePart::Field;
  const std::vector<TimePart> parts{
      {Field::day}, {Field::text, "%."}, {Field::month}, {Field::text, "."}, {Field::year}};
  EXPECT_EQ(of(sql_.parse_parts("x", parts, SqlType::date), "'31%.01.2013'"), "\"2013-01-31\"");
  EXPECT_EQ(of(sql_.parse_parts("x", parts, SqlType::date), "'31%.02.2013'"), "null");
  EXPECT_EQ(of(sql_.parse_parts("x", parts, SqlType::date), "'2013-01-31'"), "null");
}

TEST_P(DialectTest, patterns_are_found_anywhere_or_match_all) {
  EXPECT_EQ(of(sql_.contains("x", "b+"), "'abbc'"), "true");
  EXPECT_EQ(of(sql_.matches("x", "b+"), "'abbc'"), "false");
  EXPECT_EQ(of(sql_.matches("x", "a|abbc"), "'abbc'"), "true");
  EXPECT_EQ(of(sql_.contains("x", "c$"), "'abc' || chr(10)"), "false");
  EXPECT_EQ(of(sql_.contains("x", "^.'\\d\\\\$"), sql_.quote_text("é'1\\")), "true");
  EXPECT_EQ(of(sql_.contains("x", "a"), sql_.cast("NULL", SqlType::text)), "null");
}

TEST_P(DialectTest, patterns_find_what_re2_finds) {
  const std::vector<std::string> patterns{
      R"(^a.c$)",         R"(a$|^b)",         R"(\bw\B)",           R"(\w+\s\w)", R"([[:alpha:]&&[^\d_-]+)",
      R"(\p{Greek}|\pN)", R"((?i)STRASSE|é)", R"((?m)^b$)",         R"((?s)a.b)", R"(\x{1F600}|\x41|\101)",
      R"((?P<n>a){2,3})", R"(\Qa.c\E)",       R"([^a-z\n]{2})",     R"(a{,2}b)",  R"((?i:x)Y|[\W\pL]\v)",
      R"(\$\.\-\z)",      R"([]a]+$)",        R"((?U)a+?b(?-s).c)", R"(^$)"};
  const std::vector<std::string> texts{"abc",  "a\nc",    "abc\n",      "b",        "x\nb\ny", "é",      "É",
                                       "a\nb", "w\u00e9", "w_",         "aa",       "a.c",     "\u03b1", "\u0663",
                                       "1A ",  "straSSe", "\U0001F600", "a{,2}b",   "Xy",      "XY",     "$.-",
                                       "]a]",  "",        "\v",         "a\u000bb", "aab c",   "a\r\nc", "é\v"};
  for (const auto& pattern : patterns) {
    const re2::RE2 re2(pattern, re2::RE2::Quiet);
    ASSERT_TRUE(re2.ok()) << pattern;
    std::string list, expected;
    for (const auto& text : texts) {
      list += fmt::format("{}CASE WHEN {} THEN '1' ELSE '0' END", list.empty() ? "" : ", ",
                          sql_.contains(sql_.quote_text(text), pattern));
      expected += re2::RE2::PartialMatch(text, re2) ? '1' : '0';
    }
    EXPECT_EQ(answer(*engine_, fmt::format("SELECT concat({})", list)), to_text(Json(expected))) << pattern;
  }
}

TEST_P(DialectTest, characters_are_code_points) {
  EXPECT_EQ(of(sql_.characters("x"), "'e\u0301\U0001F600 '"), "4");
  EXPECT_EQ(of(sql_.split("x", '\x1f'), "concat_ws(chr(31), 'a', 'b c')"), R"(["a","b c"])");
}

TEST_P(DialectTest, null_is_neither_finite_nor_not) {
  for (const auto& form : {sql_.is_nan("x"), sql_.is_infinite("x"), sql_.is_finite("x"), sql_.remainder("x", "2")})
    EXPECT_EQ(of(form, null_number_), "null") << form;
  EXPECT_EQ(of(sql_.is_finite("x"), sql_.literal(std::numeric_limits<double>::quiet_NaN())), "false");
  EXPECT_EQ(of(sql_.is_finite("x"), sql_.literal(-std::numeric_limits<double>::infinity())), "false");
  EXPECT_EQ(of(sql_.remainder("x", sql_.literal(2.0)), sql_.literal(-7.5)), "-1.5");
}

TEST_P(DialectTest, times_are_microseconds_since_1970) {
  EXPECT_EQ(of(sql_.epoch_micros("x"), sql_.literal(SqlType::timestamp, "1969-12-31 23:59:59.999999")), "-1");
  EXPECT_EQ(of(sql_.epoch_micros("x"), sql_.literal(SqlType::date, "1970-01-02")), "86400000000");
}

TEST_P(DialectTest, aggregates_do_not_overflow_and_count_every_bin) {
  const std::string rows = fmt::format(
      "FROM (SELECT 9223372036854775807 AS i, {} AS x UNION ALL SELECT 9223372036854775807, {} UNION ALL SELECT NULL, "
      "{} UNION ALL SELECT 1, {})",
      sql_.literal(-1.0), sql_.literal(2.0), sql_.literal(2.5), null_number_);
  EXPECT_EQ(answer(*engine_, fmt::format("SELECT {} {}", sql_.sum_of_integers("i"), rows)), "1.8446744073709552e+19");
  const std::vector<double> edges{0, 1, 2};
  const auto counted = engine_->query(fmt::format("SELECT {} {}", sql_.histogram("x", edges), rows));
  ASSERT_TRUE(counted.ok()) << counted.error().text();
  EXPECT_EQ(sql_.read_histogram(counted->json(0, 0), edges), (std::vector<int64_t>{1, 0, 1, 1}));
  const auto none = engine_->query(
      fmt::format("SELECT {} FROM (SELECT {} AS x) WHERE x > 0", sql_.histogram("x", edges), sql_.literal(-1.0)));
  ASSERT_TRUE(none.ok()) << none.error().text();
  EXPECT_EQ(sql_.read_histogram(none->json(0, 0), edges), (std::vector<int64_t>{0, 0, 0, 0}));
}

TEST_P(DialectTest, a_tuple_with_a_null_counts) {
  EXPECT_EQ(
      answer(*engine_, fmt::format("SELECT count(DISTINCT {}) FROM (SELECT 1 AS a, NULL AS b UNION ALL SELECT 1, 2 "
                                   "UNION ALL SELECT 1, 2)",
                                   sql_.tuple("a, b"))),
      "2");
}

TEST_P(DialectTest, relations_are_made_and_replaced) {
  for (const auto* value : {"1", "2"}) {
    ASSERT_TRUE(engine_->execute(sql_.make_table("t", sql_.rows_of({value, "7"}, "k"))).ok());
    ASSERT_TRUE(engine_->execute(sql_.make_view("v", "SELECT sum(k) AS s FROM t")).ok());
  }
  EXPECT_EQ(answer(*engine_, "SELECT s FROM v"), "9");
}

TEST_P(DialectTest, column_types_are_told_by_what_they_hold) {
  const auto type = [&](const std::string& select) {
    const auto described = engine_->query("DESCRIBE SELECT " + select);
    return described.ok() ? sql_.source_type(described->text(0, 1)) : SourceType::other;
  };
  EXPECT_EQ(type("CAST(1 AS SMALLINT)"), SourceType::integer);
  EXPECT_EQ(type("CAST(1 AS DECIMAL(9, 2))"), SourceType::number);
  EXPECT_EQ(type("CAST(1 AS FLOAT)"), SourceType::number);
  EXPECT_EQ(type("1 = 1"), SourceType::boolean);
  EXPECT_EQ(type("'a'"), SourceType::text);
  EXPECT_EQ(type(sql_.literal(SqlType::date, "2013-01-01")), SourceType::date);
  EXPECT_EQ(type(sql_.literal(SqlType::timestamp, "2013-01-01 00:00:00")), SourceType::timestamp);
  EXPECT_EQ(type(sql_.parse_zoned("'2013-01-01T00:00:00+02:00'")), SourceType::timestamp);
}

}  // namespace
}  // namespace millrace::engine
