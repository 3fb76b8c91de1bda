#include "monitor/trace/flow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "core/files.h"
#include "core/testing.h"

namespace millrace::monitor {
namespace {

engine::Engine& session() {
  // Never closed: at exit the engine's thread-local state is gone before statics are.
  static const auto& engines = *new auto(*engine::load_duckdb(library_folder() + "/libduckdb.so"));
  static const auto& opened = *new auto(*engines->open({}));
  return *opened;
}

std::vector<std::string> sources(const std::string& sql, const std::string& column) {
  const auto flow = ColumnFlow::parse(session(), sql);
  EXPECT_TRUE(flow.ok()) << flow.error().text();
  auto out = flow->sources_of(column);
  std::sort(out.begin(), out.end());
  return out;
}
bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
using Names = std::vector<std::string>;

TEST(ColumnFlow, a_name_flows_through_expressions_and_common_tables) {
  const std::string sql =
      "WITH a AS (SELECT x + y AS s, z FROM t), b AS (SELECT *, s * 2 AS d FROM a) SELECT coalesce(D, -1) AS out, z "
      "FROM b";
  EXPECT_EQ(sources(sql, "OUT"), (Names{"d", "out", "s", "x", "y"}));
  EXPECT_EQ(sources(sql, "z"), (Names{"z"}));
}

TEST(ColumnFlow, a_condition_is_no_source) {
  EXPECT_EQ(sources("SELECT a AS out FROM t JOIN u ON t.k = u.k WHERE b > 1 GROUP BY a", "out"), (Names{"a", "out"}));
}

TEST(ColumnFlow, a_union_joins_by_position_and_a_table_alias_names_what_is_inside) {
  EXPECT_EQ(sources("SELECT a AS out FROM t UNION ALL SELECT b FROM u UNION ALL SELECT c FROM v", "out"),
            (Names{"a", "b", "c", "out"}));
  EXPECT_EQ(sources("SELECT k.key AS out FROM t, LATERAL (VALUES (t.p), (t.q)) k(key)", "out"),
            (Names{"key", "out", "p", "q"}));
}

TEST(ColumnFlow, a_window_and_a_filter_are_part_of_the_expression) {
  EXPECT_EQ(
      sources("SELECT sum(a) FILTER (WHERE f > 0) OVER w AS out FROM t WINDOW w AS (PARTITION BY p ORDER BY o)", "out"),
      (Names{"a", "f", "o", "out", "p"}));
}

TEST(ColumnFlow, what_is_no_query_is_refused_with_the_parsers_words) {
  EXPECT_EQ(ColumnFlow::parse(session(), "SELEC 1").error().code(), Code::invalid);
}

std::string example() {
  const char* set = std::getenv("MILLRACE_SOURCE");
  std::string at = set != nullptr ? set : absolute(".");
  while (at.size() > 1 && !exists(at + "/examples/flights/sql/features.sql")) at = parent_of(at);
  auto sql = *read_file(at + "/examples/flights/sql/features.sql", 1 << 20);
  for (const auto& [name, value] : {std::pair{"$first_day", "'2013-01-01'"}, std::pair{"$landed_only", "true"}})
    for (size_t place = sql.find(name); place != std::string::npos; place = sql.find(name, place))
      sql.replace(place, std::string(name).size(), value);
  return sql;
}

TEST(ColumnFlow, a_rate_of_a_week_leads_to_the_delays_and_not_to_the_sky) {
  const auto flow = ColumnFlow::parse(session(), example());
  ASSERT_TRUE(flow.ok()) << flow.error().text();
  const auto rate = flow->sources_of("origin_late_rate_7d"), warm = flow->sources_of("temp");
  EXPECT_TRUE(holds(rate, "arr_delay"));
  EXPECT_FALSE(holds(rate, "temp"));
  EXPECT_FALSE(holds(rate, "pressure"));
  EXPECT_TRUE(holds(warm, "temp"));
  EXPECT_FALSE(holds(warm, "arr_delay"));
  EXPECT_TRUE(holds(flow->sources_of("plane_age"), "year"));
}

}  // namespace
}  // namespace millrace::monitor
