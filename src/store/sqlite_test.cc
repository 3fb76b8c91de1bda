#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>

#include <fmt/format.h>

#include "core/files.h"
#include "store/testing.h"

namespace millrace::store {
namespace {

class Sqlite : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")); }
  testing::SqliteStore store;
};

void raw(const std::string& file, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

TEST_F(Sqlite, what_was_committed_is_there_after_reopening) {
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (1, 'x')"));
  store.close();
  store.database = store.reopen();
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), 1);
  EXPECT_EQ(store.number("SELECT count(*) FROM (SELECT number FROM migrations GROUP BY number HAVING count(*) > 1)"),
            0);
}

TEST_F(Sqlite, a_newer_schema_is_refused_with_a_hint) {
  store.close();
  raw(store.file(), "INSERT INTO migrations VALUES (9999, 'future', 0)");
  const auto opened = open_sqlite(store.file(), store.world.context);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::unsupported);
  EXPECT_EQ(opened.error().message().substr(0, 27), "the store has schema 9999, ");
  EXPECT_EQ(opened.error().hint(), "use the newer millrace that wrote this state folder");
}

TEST(SqliteOpen, a_database_of_another_program_is_refused_untouched) {
  testing::World world;
  const testing::Folder folder;
  raw(folder / "app.db", "PRAGMA application_id=7; CREATE TABLE x (a)");
  raw(folder / "plain.db", "CREATE TABLE x (a)");
  for (const char* name : {"app.db", "plain.db"}) {
    const auto before = *read_file(folder / name, 1 << 20);
    const auto opened = open_sqlite(folder / name, world.context);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code(), Code::conflict);
    EXPECT_EQ(opened.error().where().file, folder / name);
    EXPECT_EQ(*read_file(folder / name, 1 << 20), before);
  }
}

TEST(SqliteOpen, what_is_no_database_is_named) {
  testing::World world;
  const testing::Folder folder;
  ASSERT_TRUE(write_file(folder / "text", std::string(8192, 'x')));
  EXPECT_EQ(open_sqlite(folder / "text", world.context).error().code(), Code::corrupt);
  EXPECT_EQ(open_sqlite(folder / "none/meta.db", world.context).error().code(), Code::denied);
}

// A limit on the size of files stands for the full disk; it is lifted before anything is checked.
class FullDisk {
 public:
  FullDisk() {
    previous_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = 64 << 10;
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, previous_);
  }

 private:
  rlimit before_{};
  void (*previous_)(int) = nullptr;
};

TEST_F(Sqlite, a_full_disk_refuses_writes_with_a_hint_and_the_store_works_afterwards) {
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (1, 'kept')"));
  std::optional<Error> refused;
  int64_t seen = 0;
  {
    const FullDisk full;
    for (int64_t id = 2; id < 100 && !refused; ++id)
      if (auto done = store.execute("INSERT INTO t VALUES (?, ?)", {id, std::string(20'000, 'x')}); !done)
        refused = std::move(done).error();
    seen = store.number("SELECT count(*) FROM t WHERE id = 1");
  }
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code(), Code::unavailable) << refused->text();
  EXPECT_NE(refused->hint().find("free some room"), std::string::npos);
  EXPECT_EQ(seen, 1);
  const auto before = store.number("SELECT count(*) FROM t");
  EXPECT_TRUE(store.execute("INSERT INTO t VALUES (1000, 'after')"));
  store.close();
  store.database = store.reopen();
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), before + 1);
  EXPECT_EQ(store.query("PRAGMA integrity_check")->at(0).text(0), "ok");
}

// A transaction that outgrows the page cache meets the full disk before its commit.
TEST_F(Sqlite, a_disk_that_fills_inside_a_write_undoes_it) {
  Result<int64_t> done = 0;
  {
    const FullDisk full;
    done = store.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) "
        "INSERT INTO t SELECT i, hex(zeroblob(5000)) FROM n");
  }
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::unavailable) << done.error().text();
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), 0);
  EXPECT_TRUE(store.execute("INSERT INTO t VALUES (1, 'after')"));
}

}  // namespace
}  // namespace millrace::store
