#include "pipeline/columns/read_columns.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "core/files.h"
#include "engine/engine.h"

namespace millrace::pipeline {
namespace {

engine::Engines& engines() {
  static const auto loaded = *engine::load_duckdb(library_folder() + "/libduckdb.so");
  return *loaded;
}

const std::map<std::string, std::vector<std::string>> kTables{
    {"t", {"a", "b", "c", "k"}}, {"u", {"k", "x", "y"}}, {"l", {"id", "items"}}};

// "out<-t.a t.b(filter) ...; *<-..." in order of the output.
std::string columns(const std::string& sql, bool unresolved = false) {
  auto session = engines().open({.temp_folder = ""});
  EXPECT_TRUE(
      (*session)->execute("CREATE TABLE t(a INT, b INT, c INT, k INT); CREATE TABLE u(k INT, x INT, y INT); CREATE "
                          "TABLE l(id INT, items INT[])"));
  const auto read = read_columns(**session, sql, kTables);
  if (!read) return read.error().text();
  const auto list = [](const ColumnSources& sources) {
    std::string out;
    for (const auto& source : sources)
      out += fmt::format("{}{}.{}{}", out.empty() ? "" : " ", source.table, source.column,
                         source.how == "direct" ? "" : "(" + source.how + ")");
    return out;
  };
  std::string out;
  for (const auto& column : read->columns) out += fmt::format("{}<-{}; ", column.name, list(column.sources));
  out += "*<-" + list(read->rows);
  if (unresolved || !read->unresolved.empty()) out += fmt::format(" ! {}", fmt::join(read->unresolved, ", "));
  return out;
}

TEST(ReadColumns, values_conditions_and_rows) {
  EXPECT_EQ(columns("SELECT a + b AS s, CASE WHEN c > 0 THEN a END AS w FROM t WHERE k = 1 ORDER BY b"),
            "s<-t.a t.b; w<-t.a t.c(condition); *<-t.b(sort) t.k(filter)");
  EXPECT_EQ(columns("SELECT k, sum(a) FILTER (WHERE b > 0) AS s, count(*) AS n FROM t GROUP BY k HAVING max(c) > 1"),
            "k<-t.k; s<-t.a t.b(condition); n<-; *<-t.c(filter) t.k(group)");
  EXPECT_EQ(columns("SELECT a AS g, count(*) AS n FROM t GROUP BY 1 ORDER BY 2, 1"),
            "g<-t.a; n<-; *<-t.a(group) t.a(sort)");
  EXPECT_EQ(columns("SELECT DISTINCT a FROM t"), "a<-t.a; *<-t.a(group)");
}

TEST(ReadColumns, joins_by_condition_and_by_name) {
  EXPECT_EQ(columns("SELECT t.a, u.x FROM t JOIN u ON t.k = u.k"), "a<-t.a; x<-u.x; *<-t.k(join) u.k(join)");
  EXPECT_EQ(columns("SELECT k, x FROM t LEFT JOIN u USING (k)"), "k<-t.k u.k; x<-u.x; *<-t.k(join) u.k(join)");
  EXPECT_EQ(columns("SELECT * FROM t NATURAL JOIN u"),
            "a<-t.a; b<-t.b; c<-t.c; k<-t.k u.k; x<-u.x; y<-u.y; *<-t.k(join) u.k(join)");
  EXPECT_EQ(columns("SELECT one.a AS p, two.a AS q FROM t one, t two WHERE one.k = two.c"),
            "p<-t.a; q<-t.a; *<-t.c(filter) t.k(filter)");
}

TEST(ReadColumns, through_ctes_subqueries_and_stars) {
  EXPECT_EQ(
      columns("WITH p AS (SELECT a, b AS z FROM t WHERE c > 0), q(m) AS (SELECT z FROM p) SELECT m + 1 AS n FROM q"),
      "n<-t.b; *<-t.c(filter)");
  EXPECT_EQ(columns("SELECT v FROM (SELECT a * 2 AS v, k FROM t) AS s WHERE s.k IN (SELECT k FROM u WHERE x = 1)"),
            "v<-t.a; *<-t.k(filter) u.k(filter) u.x(filter)");
  EXPECT_EQ(columns("SELECT * EXCLUDE (b, c) REPLACE (a + b AS a) FROM t"), "a<-t.a t.b; k<-t.k; *<-");
  EXPECT_EQ(columns("SELECT COLUMNS('a|c') FROM t"), "a<-t.a; c<-t.c; *<-");
  EXPECT_EQ(columns("SELECT u.* FROM t, u"), "k<-u.k; x<-u.x; y<-u.y; *<-");
  EXPECT_EQ(columns("SELECT a, (SELECT max(x) FROM u WHERE u.k = t.k) AS m FROM t"),
            "a<-t.a; m<-t.k(filter) u.k(filter) u.x; *<-");
  EXPECT_EQ(columns("WITH RECURSIVE r(n, s) AS (SELECT a, b FROM t UNION ALL SELECT n + 1, n FROM r WHERE s < 9) "
                    "SELECT s FROM r"),
            "s<-t.a t.b; *<-t.a(filter) t.b(filter)");
}

TEST(ReadColumns, windows_lambdas_and_lateral_values) {
  EXPECT_EQ(columns("SELECT sum(a) OVER (PARTITION BY k ORDER BY b) AS s FROM t"),
            "s<-t.a t.b(window) t.k(window); *<-");
  EXPECT_EQ(columns("SELECT lag(a) OVER w AS s FROM t WINDOW w AS (ORDER BY c)"), "s<-t.a t.c(window); *<-");
  EXPECT_EQ(columns("SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY k ORDER BY b) = 1"),
            "a<-t.a; *<-t.b(filter) t.k(filter)");
  EXPECT_EQ(columns("SELECT list_transform(items, lambda x: x + id) AS m FROM l"), "m<-l.id l.items; *<-");
  EXPECT_EQ(columns("SELECT v.key AS w FROM t, LATERAL (VALUES ('a', t.a), ('b', t.b)) v(kind, key)"),
            "w<-t.a t.b; *<-");
  EXPECT_EQ(columns("SELECT i FROM l, unnest(items) AS x(i)"), "i<-l.items; *<-");
}

TEST(ReadColumns, set_operations_by_position_and_by_name) {
  EXPECT_EQ(columns("SELECT a, b FROM t UNION ALL SELECT x, y FROM u"), "a<-t.a u.x; b<-t.b u.y; *<-");
  EXPECT_EQ(columns("SELECT a AS x FROM t UNION BY NAME SELECT y, x FROM u"), "x<-t.a u.x; y<-u.y; *<-");
  EXPECT_EQ(columns("SELECT k FROM t EXCEPT SELECT k FROM u WHERE x > 1"), "k<-t.k; *<-u.k(filter) u.x(filter)");
}

TEST(ReadColumns, what_is_not_known_is_said_and_never_guessed) {
  EXPECT_EQ(columns("SELECT p FROM nowhere"), "p<-nowhere.p; *<- ! the columns of 'nowhere' are not known");
  const auto two = columns("SELECT p FROM nowhere, elsewhere");
  EXPECT_TRUE(two.starts_with("p<-elsewhere.* nowhere.*; *<- !")) << two;
  EXPECT_NE(two.find("it is not known whose column 'p' is"), std::string::npos) << two;
  EXPECT_NE(columns("SELECT * FROM nowhere").find("*<-nowhere.*"), std::string::npos);
  EXPECT_NE(columns("DROP TABLE t").find("SELECT"), std::string::npos);
}

}  // namespace
}  // namespace millrace::pipeline
