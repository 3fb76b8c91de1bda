#include "engine/engine.h"

#include <filesystem>
#include <thread>

#include "engine/testing.h"

namespace millrace::engine {
namespace {

TEST(Engine, brings_every_type_down_to_nine_names) {
  const auto engine = open_engine();
  const auto table = engine->query(
      R"(SELECT true AS b, CAST(-3 AS TINYINT) AS i, sum(x)::HUGEINT AS h, 2.5::FLOAT AS f, 1.25::DECIMAL(9,2) AS d,
    'é' AS t, 'ok'::ENUM('ok', 'no') AS e, '\xAA\x01'::BLOB AS y, TIMESTAMP '1969-12-31 23:59:59.5' AS ts, TIMESTAMPTZ '2013-07-01 05:00:00+02' AS tz,
    DATE '2013-07-01' AS da, TIME '05:00:00.25' AS ti, [1, NULL] AS l, {'a': 1, 'b': ['x']} AS s, MAP {'k': 2.5} AS m,
    NULL AS n, 'nan'::DOUBLE AS nan, '{"q":1}'::JSON AS j, uuid '00000000-0000-0000-0000-000000000001' AS u,
    TIMESTAMP_NS '1969-12-31 23:59:59.9999999' AS ns FROM range(4) r(x))");
  ASSERT_TRUE(table.ok()) << table.error().text();
  ASSERT_EQ(table->rows(), 1u);
  std::string types, values;
  for (size_t i = 0; i < table->columns(); ++i) {
    types += table->name(i) + ":" + table->type(i) + " ";
    values += to_text(table->json(0, i)) + " ";
  }
  EXPECT_EQ(types,
            "b:boolean i:integer h:integer f:number d:number t:text e:text y:bytes ts:timestamp tz:timestamp da:date "
            "ti:time l:nested "
            "s:nested m:nested n:integer nan:number j:text u:text ns:timestamp ");
  EXPECT_EQ(values,
            "true -3 6 2.5 1.25 \"é\" \"ok\" \"aa01\" \"1969-12-31T23:59:59.500000Z\" \"2013-07-01T03:00:00.000000Z\" "
            "\"2013-07-01\" "
            "\"05:00:00.250000\" [1,null] {\"a\":1,\"b\":[\"x\"]} [{\"key\":\"k\",\"value\":2.5}] null null "
            "\"{\\\"q\\\":1}\" "
            "\"00000000-0000-0000-0000-000000000001\" \"1969-12-31T23:59:59.999999Z\" ");
  EXPECT_EQ(table->integer(0, *table->find("TS")), -500'000);
  EXPECT_TRUE(table->is_null(0, *table->find("n")));
  EXPECT_FALSE(table->is_null(0, *table->find("nan")));
  EXPECT_FALSE(table->find("absent").has_value());
}

TEST(Engine, binds_parameters_and_never_reads_them_as_sql) {
  const auto engine = open_engine();
  EXPECT_EQ(answer(*engine, "SELECT ?, ?, ?, ?, ?", {Json(nullptr), true, -7, 2.5, "x'; DROP TABLE t; --"}),
            "[null,true,-7,2.5,\"x'; DROP TABLE t; --\"]");
  EXPECT_EQ(answer(*engine, "SELECT $2 || $1", {"a", "b"}), "\"ba\"");
  EXPECT_EQ(answer(*engine, "SELECT ?", {Json::array({1})}),
            "invalid: parameter 1 of the query is a array. Hint: pass null, a boolean, a number or a string");
  EXPECT_EQ(engine->query("SELECT ?, ?", {Json(1)}).ok(), false);
}

TEST(Engine, says_what_duckdb_says_with_our_code) {
  const auto engine = open_engine();
  EXPECT_EQ(code_of(*engine, "SELEC 1"), Code::invalid);
  EXPECT_EQ(code_of(*engine, "SELECT * FROM nowhere"), Code::invalid);
  EXPECT_EQ(code_of(*engine, "SELECT CAST('x' AS INTEGER)"), Code::invalid);
  EXPECT_EQ(code_of(*engine, "SELECT * FROM read_parquet('/nowhere/x.parquet')"), Code::not_found);
  EXPECT_NE(answer(*engine, "SELECT * FROM nowhere").find("Table with name nowhere does not exist"), std::string::npos);
  EXPECT_NE(answer(*engine, "SELECT error('mine') FROM range(3)").find("mine"), std::string::npos);
  EXPECT_EQ(answer(*engine, "SELECT sum(x) FROM (VALUES (9223372036854775807), (1)) v(x)").substr(0, 8), "invalid:");
  EXPECT_EQ(answer(*engine, std::string_view("SELECT 1\0; x", 12)), "invalid: the SQL holds a NUL byte");
  EXPECT_EQ(answer(*engine, "SELECT 1"), "1") << "an error must not end the session";
}

TEST(Engine, refuses_more_rows_than_the_limit) {
  const auto engine = open_engine();
  const auto table = engine->query("SELECT * FROM range(1000000)");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->rows(), limits::result_rows);
  EXPECT_EQ(engine->query("SELECT * FROM range(1000001)").error().code(), Code::too_large);
  EXPECT_EQ(engine->query("SELECT repeat('x', 100000000) FROM range(6)").error().code(), Code::too_large);
  EXPECT_EQ(engine->query("SELECT 1 --" + std::string(limits::sql_bytes, ' ')).error().code(), Code::too_large);
  EXPECT_EQ(answer(*engine, "SELECT 1"), "1");
}

TEST(Engine, counts_what_a_statement_changed) {
  const auto engine = open_engine();
  EXPECT_EQ(engine->execute("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2), (3)").value(), 3);
  EXPECT_EQ(engine->execute("DELETE FROM t WHERE a > 1").value(), 2);
  EXPECT_EQ(engine->execute("SELECT * FROM t").value(), 0);
  EXPECT_EQ(engine->execute("CREATE VIEW v AS SELECT 1").value(), 0);
}

TEST(Engine, ends_a_statement_over_its_time) {
  const auto engine = open_engine({.timeout = 50'000});
  const auto endless = engine->query(
      "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * 7 = b.range * 3 + 1 AND a.range > "
      "b.range");
  ASSERT_FALSE(endless.ok());
  EXPECT_EQ(endless.error().code(), Code::timeout);
  EXPECT_EQ(endless.error().message(), "the query took longer than 50 ms");
  EXPECT_EQ(answer(*engine, "SELECT 1"), "1");
}

TEST(Engine, is_cancelled_by_another_thread) {
  const auto engine = open_engine();
  std::atomic<bool> done = false;
  std::thread other([&] {
    while (!done) engine->cancel();
  });
  const auto endless = engine->query(
      "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * 7 = b.range * 3 + 1 AND a.range > "
      "b.range");
  done = true;
  other.join();
  EXPECT_EQ(endless.error().code(), Code::timeout);
}

TEST(Engine, is_in_utc_and_holds_its_extensions) {
  const auto engine = open_engine();
  EXPECT_EQ(answer(*engine, "SELECT current_setting('TimeZone')"), "\"UTC\"");
  EXPECT_EQ(answer(*engine, "SELECT strftime(TIMESTAMPTZ '2013-07-01 00:00:00+00', '%H')"), "\"00\"");
  EXPECT_EQ(
      answer(*engine, "SELECT list(extension_name ORDER BY extension_name) FROM duckdb_extensions() WHERE loaded"),
      "[\"autocomplete\",\"core_functions\",\"icu\",\"json\",\"parquet\"]");
  EXPECT_EQ(
      answer(*engine,
             "SELECT current_setting('autoinstall_known_extensions') OR current_setting('autoload_known_extensions')"),
      "false");
  EXPECT_EQ(engine->describe().substr(0, 8), "duckdb v");
}

TEST(Engine, spills_beyond_its_memory_and_leaves_nothing_behind) {
  const Scratch scratch;
  {
    const auto engine = open_engine({.threads = 1, .memory_bytes = 30 << 20, .temp_folder = scratch.path()});
    EXPECT_EQ(engine
                  ->execute("CREATE TEMP TABLE big AS SELECT range AS a, md5(range::VARCHAR) || md5((range + "
                            "1)::VARCHAR) AS b FROM range(1500000)")
                  .ok(),
              true);
    EXPECT_EQ(answer(*engine, "SELECT count(DISTINCT b) FROM big"), "1500000");
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
  const auto engine = open_engine({.threads = 1, .memory_bytes = 30 << 20});
  EXPECT_EQ(
      code_of(
          *engine,
          "CREATE TEMP TABLE big AS SELECT md5(range::VARCHAR) || md5((range + 1)::VARCHAR) AS b FROM range(1500000)"),
      Code::too_large);
}

TEST(Engine, says_where_its_library_should_be) {
  const auto engines = load_duckdb("/nowhere/libduckdb.so");
  ASSERT_TRUE(engines.ok()) << "the library is only loaded when needed";
  const auto engine = (*engines)->open({});
  ASSERT_FALSE(engine.ok());
  EXPECT_EQ(engine.error().code(), Code::unavailable);
  EXPECT_EQ(engine.error().where().file, "/nowhere/libduckdb.so");
  EXPECT_NE(engine.error().hint().find("./dev deps"), std::string::npos);
}

TEST(Engine, refuses_bad_options) {
  const auto engines = load_duckdb(library_folder() + "/libduckdb.so");
  EXPECT_EQ((*engines)->open({.temp_folder = "/nowhere/tmp"}).error().code(), Code::not_found);
  EXPECT_EQ((*engines)->open({.readable = {"data"}}).error().code(), Code::invalid);
}

TEST(Engine, quotes_names_and_texts) {
  EXPECT_EQ(quote_name("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_text("it's"), "'it''s'");
  const auto engine = open_engine();
  EXPECT_EQ(answer(*engine, "SELECT " + quote_name("a`\"b") + " FROM (SELECT " + quote_text("it's; --") + " AS " +
                                quote_name("a`\"b") + ")"),
            "\"it's; --\"");
}

}  // namespace
}  // namespace millrace::engine
