#include "store/postgres/sql_text.h"

#include <gtest/gtest.h>

namespace millrace::store::postgres {
namespace {

TEST(SqlText, numbers_parameters_outside_quotes_and_comments) {
  const auto one = to_statement("SELECT ?, '?', \"?\", 'it''s ?' -- ?\n, ? /* ? */ FROM t WHERE a = ?");
  EXPECT_EQ(one.text, "SELECT $1, '?', \"?\", 'it''s ?' -- ?\n, $2 /* ? */ FROM t WHERE a = $3");
  EXPECT_EQ(one.parameters, 3U);
  EXPECT_EQ(to_statement("").parameters, 0U);
  EXPECT_EQ(to_statement("SELECT 'open ?").text, "SELECT 'open ?");
  EXPECT_EQ(to_statement("SELECT 1 -- ?").text, "SELECT 1 -- ?");
  EXPECT_EQ(to_statement("SELECT 1 /* ?").text, "SELECT 1 /* ?");
}

TEST(SqlText, widens_types_in_capitals_only) {
  EXPECT_EQ(to_statement("SELECT CAST(? AS INTEGER), CAST(a AS REAL), CAST(b AS TEXT), integer FROM t").text,
            "SELECT CAST($1 AS BIGINT), CAST(a AS DOUBLE PRECISION), CAST(b AS TEXT), integer FROM t");
}

TEST(SqlText, gives_migrations_columns_ordered_by_bytes_and_numbers_of_the_store) {
  EXPECT_EQ(
      to_schema("CREATE TABLE log (\n  number INTEGER PRIMARY KEY AUTOINCREMENT,\n  text TEXT NOT NULL, -- TEXT\n"
                "  body BLOB, size INTEGER, share REAL);\nINSERT INTO log (text) SELECT CAST(1 AS TEXT)"),
      "CREATE TABLE log (\n  number BIGINT PRIMARY KEY DEFAULT store_next('log'),\n  text TEXT COLLATE \"C\" NOT "
      "NULL, -- TEXT\n  body BYTEA, size BIGINT, share DOUBLE PRECISION);\nINSERT INTO log (text) SELECT CAST(1 AS "
      "TEXT)");
  EXPECT_EQ(to_schema("ALTER TABLE t ADD COLUMN step TEXT NOT NULL DEFAULT 'TEXT'"),
            "ALTER TABLE t ADD COLUMN step TEXT COLLATE \"C\" NOT NULL DEFAULT 'TEXT'");
}

}  // namespace
}  // namespace millrace::store::postgres
