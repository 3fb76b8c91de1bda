// What a locked session refuses and what it still does.
#include <unistd.h>

#include "engine/duckdb/guard.h"
#include "engine/testing.h"

namespace millrace::engine {
namespace {

class Locked : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* folder : {"in", "in-next", "out", "tmp"}) ASSERT_TRUE(make_folders(scratch / folder).ok());
    for (const char* file : {"in/a.csv", "in-next/b.csv", "secret.csv", "one.csv"})
      ASSERT_TRUE(write_file(scratch / file, "a,b\n1,2\n").ok());
    ASSERT_EQ(::symlink((scratch / "secret.csv").c_str(), (scratch / "in/link.csv").c_str()), 0);
    engine = open_engine({.temp_folder = scratch / "tmp",
                          .readable = {scratch / "in", scratch / "one.csv"},
                          .writable = {scratch / "out", scratch / "result.parquet"}});
    ASSERT_TRUE(engine->lock_down().ok());
    ASSERT_TRUE(engine->lock_down().ok()) << "twice is as good as once";
  }
  std::string file(const std::string& name) { return quote_text(scratch / name); }
  void refuses(const std::string& sql) {
    const auto done = engine->execute(sql);
    ASSERT_FALSE(done.ok()) << sql;
    EXPECT_EQ(done.error().code(), Code::denied) << sql << "\n" << done.error().text();
    EXPECT_EQ(engine->query(sql).ok(), false) << sql;
  }

  Scratch scratch;
  std::unique_ptr<Engine> engine;
};

TEST_F(Locked, reads_what_it_may) {
  EXPECT_EQ(answer(*engine, "SELECT a + b FROM read_csv(" + file("in/a.csv") + ")"), "3");
  EXPECT_EQ(answer(*engine, "FROM " + file("one.csv")), "[1,2]");
  EXPECT_EQ(answer(*engine, "WITH x AS (SELECT ? AS a) SELECT a FROM x; -- end", {5}), "5");
  EXPECT_EQ(answer(*engine, "VALUES (1)"), "1");
}

TEST_F(Locked, writes_what_it_may) {
  EXPECT_EQ(
      engine->execute("COPY (SELECT * FROM range(7) -- ) TO 'x'\n) TO " + file("out/a.parquet") + " (FORMAT parquet);")
          .value(),
      7);
  EXPECT_EQ(
      engine->execute("copy (FROM range(3)) to " + file("result.parquet") + " (" + std::string(copy_options()) + ")")
          .value(),
      3);
  EXPECT_EQ(answer(*engine, "SELECT count(*) FROM read_parquet([" + file("out/a.parquet") + ", " +
                                file("result.parquet") + "])"),
            "10");
  EXPECT_TRUE(engine->execute("CREATE OR REPLACE TEMP TABLE t AS SELECT 1 AS a").ok());
  EXPECT_EQ(engine->execute("INSERT INTO t SELECT range FROM range(2)").value(), 2);
  EXPECT_TRUE(engine->execute("CREATE VIEW \"v w\" AS SELECT sum(a) FROM t;").ok());
  EXPECT_EQ(answer(*engine, "FROM \"v w\""), "2");
  EXPECT_TRUE(engine->execute("DROP TABLE IF EXISTS t").ok());
}

TEST_F(Locked, refuses_other_files) {
  for (const char* path : {"/etc/passwd", "/dev/stdin", "/proc/self/environ"}) {
    refuses("SELECT * FROM read_text(" + quote_text(path) + ")");
    refuses("SELECT * FROM read_csv(" + quote_text(path) + ")");
    refuses("SELECT * FROM read_blob([" + quote_text(path) + "])");
  }
  for (const char* name : {"secret.csv", "in-next/b.csv", "in/../secret.csv", "in/link.csv"})
    refuses("SELECT * FROM read_csv(" + file(name) + ")");
  refuses("SELECT * FROM glob('/etc/*')");
  refuses("SELECT * FROM read_csv('/etc/pass*')");
  refuses("FROM '/etc/passwd.csv'");
  refuses("SELECT * FROM sniff_csv('/etc/passwd')");
  refuses("SELECT * FROM parquet_metadata('/etc/passwd')");
  refuses("CREATE TABLE t AS SELECT * FROM read_text('/etc/passwd')");
  refuses("COPY (SELECT * FROM read_text('/etc/passwd')) TO " + file("out/p.csv"));
  EXPECT_FALSE(engine->query("SELECT * FROM read_csv('https://example.invalid/x.csv')").ok());
}

TEST_F(Locked, refuses_to_write_elsewhere) {
  refuses("COPY (SELECT 1) TO " + file("secret.csv"));
  refuses("COPY (SELECT 1) TO " + file("in/a.csv"));  // only readable
  refuses("COPY (SELECT 1) TO " + file("one.csv"));
  refuses("COPY (SELECT 1) TO " + file("out/../in/a.csv"));
  refuses("COPY (SELECT 1) TO " + file("result.parquet") + " (PARTITION_BY (a))");
  refuses("COPY (SELECT 1) TO 'relative.csv'");
  refuses("EXPORT DATABASE " + file("out/db"));
  refuses("EXPLAIN ANALYZE COPY (SELECT 1) TO " + file("in/a.csv"));
  refuses("PREPARE p AS COPY (SELECT 1) TO " + file("in/a.csv"));
  EXPECT_EQ(read_file(scratch / "in/a.csv", 100).value(), "a,b\n1,2\n");
}

TEST_F(Locked, refuses_tricks_with_quotes_and_comments) {
  const std::string out = file("out/a.csv");
  const std::string in = file("in/a.csv");
  refuses("COPY (SELECT 1) TO " + in + " /* ) TO " + out + " */");
  EXPECT_FALSE(engine->execute("COPY (SELECT 1) TO " + in + " -- ) TO " + out).ok());
  EXPECT_FALSE(engine->execute("COPY (SELECT 1) TO " + in + "; COPY (SELECT 1) TO " + out).ok());
  EXPECT_FALSE(engine->execute("COPY (SELECT 1) TO " + out + "; COPY (SELECT 1) TO " + in).ok());
  EXPECT_FALSE(engine->execute("COPY (SELECT 1) TO " + in + " --\n; COPY (SELECT 1) TO " + out).ok());
  EXPECT_FALSE(engine->execute("COPY (SELECT $$) TO $$) TO " + in + "; SELECT ($$ $$) TO " + out).ok());
  EXPECT_FALSE(engine->execute("COPY (SELECT E'\\') TO " + in + "; SELECT (E'\\') TO " + out).ok());
  EXPECT_EQ(read_file(scratch / "in/a.csv", 100).value(), "a,b\n1,2\n");
}

TEST_F(Locked, refuses_databases_extensions_and_settings) {
  for (const char* sql : {"ATTACH ':memory:' AS other",
                          "DETACH memory",
                          "INSTALL httpfs",
                          "LOAD httpfs",
                          "LOAD 'x.so'",
                          "FORCE INSTALL json",
                          "SET threads = 1",
                          "SET GLOBAL memory_limit = '10GB'",
                          "RESET threads",
                          "PRAGMA threads = 1",
                          "PRAGMA database_list",
                          "SET enable_external_access = true",
                          "SET lock_configuration = false",
                          "SET TimeZone = 'Asia/Tokyo'",
                          "CALL enable_logging()",
                          "CREATE SECRET s (TYPE http)",
                          "CREATE MACRO m(a) AS a",
                          "CHECKPOINT",
                          "USE memory",
                          "VACUUM",
                          "BEGIN",
                          "COPY t FROM 'x.csv'",
                          "IMPORT DATABASE 'x'"})
    refuses(sql);
  refuses("ATTACH " + file("out/a.db"));
  refuses("ATTACH " + file("in/a.db") + " (READ_ONLY)");
  EXPECT_FALSE(engine->query("SELECT * FROM enable_logging('file')").ok());
  EXPECT_EQ(answer(*engine, "SELECT current_setting('threads')"), "2");
}

TEST_F(Locked, says_which_file_and_what_to_do) {
  EXPECT_EQ(engine->execute("COPY (SELECT 1) TO '/etc/x.csv'").error().text(),
            "/etc/x.csv: SQL may not write /etc/x.csv. Hint: write to a declared output");
  EXPECT_EQ(engine->execute("PRAGMA x").error().message(),
            "this statement is not allowed in a locked session: PRAGMA x");
  EXPECT_NE(answer(*engine, "SELECT * FROM read_text('/etc/passwd')").find("Cannot access file \"/etc/passwd\""),
            std::string::npos);
  EXPECT_EQ(engine->query("SELECT FROM WHERE").error().code(), Code::invalid);
}

TEST(Guard, compares_whole_names_of_folders) {
  EXPECT_TRUE(duckdb::is_under("/a/b", {"/a/b"}));
  EXPECT_TRUE(duckdb::is_under("/a/b/c", {"/x", "/a/b"}));
  EXPECT_FALSE(duckdb::is_under("/a/bc", {"/a/b"}));
  EXPECT_FALSE(duckdb::is_under("/a", {"/a/b"}));
  EXPECT_FALSE(duckdb::is_under("/a", {}));
}

}  // namespace
}  // namespace millrace::engine
