#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <condition_variable>
#include <csignal>
#include <limits>
#include <thread>

#include <fmt/format.h>

#include "core/files.h"
#include "core/limits.h"
#include "store/testing.h"

namespace millrace::store {
namespace {

class Sqlite : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")); }
  testing::Store store;
};

void raw(const std::string& file, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

TEST_F(Sqlite, every_value_comes_back_as_it_was) {
  ASSERT_TRUE(store.execute("CREATE TABLE v (a, b, c, d, e)"));
  const std::string bytes("a\0\xff", 3);
  ASSERT_TRUE(store.execute("INSERT INTO v VALUES (?, ?, ?, ?, ?)",
                            {nullptr, std::numeric_limits<int64_t>::min(), 0.1, std::string("x\0y", 3), Blob{bytes}}));
  const auto rows = store.query("SELECT * FROM v");
  ASSERT_TRUE(rows && rows->size() == 1);
  const auto& row = rows->at(0);
  EXPECT_TRUE(row.is_null(0));
  EXPECT_EQ(row.integer(1), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(row.real(2), 0.1);
  EXPECT_EQ(row.text(3), std::string("x\0y", 3));
  EXPECT_EQ(row.text(4), bytes);
  EXPECT_EQ(row.integer(3), 0);
  EXPECT_TRUE(std::isnan(row.real(3)));
  EXPECT_EQ(row.text(1), "");
}

TEST_F(Sqlite, eight_threads_write_everything_once) {
  constexpr int kEach = 50;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i)
        EXPECT_TRUE(store.execute("INSERT INTO t VALUES (?, 'x')", {int64_t{thread * kEach + i}}));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), 8 * kEach);
  EXPECT_EQ(store.number("SELECT sum(id) FROM t"), 400 * 399 / 2);
}

// Holds the committing thread inside a write until the others wait, so that they form one group.
TEST_F(Sqlite, a_failing_write_leaves_the_others_of_its_group_alone) {
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  bool entered = false;
  std::thread blocker([&] {
    EXPECT_TRUE(store.database->write([&](Session&) -> Result<void> {
      std::unique_lock lock(mutex);
      entered = true;
      changed.notify_all();
      changed.wait(lock, [&] { return waiting == 6; });
      return {};
    }));
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return entered; });
  }
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&, i] {
      {
        const std::lock_guard lock(mutex);
        ++waiting;
        changed.notify_all();
      }
      const auto done = store.database->write([&](Session& session) -> Result<void> {
        MILLRACE_DO(session.execute("INSERT INTO t VALUES (?, 'x')", {int64_t{i}}));
        if (i % 2 == 1) return Error{Code::rejected, "no"};
        return {};
      });
      if (!done) ++failed;
    });
  for (auto& thread : threads) thread.join();
  blocker.join();
  EXPECT_EQ(failed, 3);
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), 3);
  EXPECT_EQ(store.number("SELECT count(*) FROM t WHERE id % 2 = 1"), 0);
}

TEST_F(Sqlite, a_broken_constraint_is_a_conflict) {
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (1, 'x')"));
  EXPECT_EQ(store.execute("INSERT INTO t VALUES (1, 'y')").error().code(), Code::conflict);
  EXPECT_TRUE(store.execute("INSERT INTO t VALUES (2, 'y')"));
}

TEST_F(Sqlite, our_own_mistakes_are_internal_errors_and_harm_nothing) {
  EXPECT_EQ(store.execute("INSERT INTO nowhere VALUES (1)").error().code(), Code::internal);
  EXPECT_EQ(store.execute("INSERT INTO t VALUES (?, ?)", {int64_t{1}}).error().code(), Code::internal);
  EXPECT_EQ(store.execute("INSERT INTO t VALUES (1, 'x'); DELETE FROM t").error().code(), Code::internal);
  EXPECT_EQ(store.execute("").error().code(), Code::internal);
  EXPECT_EQ(store.execute("-- nothing").error().code(), Code::internal);
  EXPECT_TRUE(store.execute("INSERT INTO t VALUES (1, 'x');  "));
  const auto nested =
      store.database->write([&](Session&) { return store.database->write([](Session&) { return Result<void>(); }); });
  EXPECT_EQ(nested.error().code(), Code::internal);
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), 1);
}

TEST_F(Sqlite, a_read_cannot_write) {
  const auto done = store.database->read([](Session& session) -> Result<void> {
    MILLRACE_DO(session.execute("INSERT INTO t VALUES (1, 'x')"));
    return {};
  });
  EXPECT_EQ(done.error().code(), Code::denied);
}

TEST_F(Sqlite, a_read_sees_one_snapshot_while_others_write) {
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (1, 'x')"));
  ASSERT_TRUE(store.database->read([&](Session& session) -> Result<void> {
    MILLRACE_TRY(const auto before, session.first("SELECT count(*) FROM t"));
    EXPECT_TRUE(store.execute("INSERT INTO t VALUES (2, 'y')"));
    MILLRACE_TRY(const auto after, session.first("SELECT count(*) FROM t"));
    EXPECT_EQ(before->integer(0), after->integer(0));
    return {};
  }));
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), 2);
}

TEST_F(Sqlite, more_readers_than_sessions_take_turns) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < limits::read_sessions * 3; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) EXPECT_EQ(store.number("SELECT 1"), 1);
    });
  for (int n = 0; n < 20; ++n) EXPECT_TRUE(store.execute("INSERT INTO t VALUES (?, 'x')", {int64_t{n}}));
  for (auto& thread : threads) thread.join();
}

// Each of these reads breaks its connection; the places must come back.
TEST_F(Sqlite, broken_reading_connections_are_replaced) {
  for (size_t i = 0; i < limits::read_sessions * 2; ++i) {
    const auto done = store.database->read([](Session& session) -> Result<void> {
      MILLRACE_DO(session.execute("COMMIT"));
      return {};
    });
    EXPECT_FALSE(done);
  }
  EXPECT_EQ(store.number("SELECT 1"), 1);
}

TEST_F(Sqlite, many_different_statements_are_bounded_and_right) {
  for (size_t i = 0; i < limits::store_statements + 10; ++i)
    ASSERT_EQ(store.number(fmt::format("SELECT {}", i)), static_cast<int64_t>(i));
}

TEST_F(Sqlite, the_queue_of_writes_is_bounded) {
  std::mutex mutex;
  std::condition_variable changed;
  bool go = false, entered = false;
  std::atomic<size_t> refused{0}, accepted{0};
  const auto block = [&](Session&) -> Result<void> {
    std::unique_lock lock(mutex);
    entered = true;
    changed.notify_all();
    changed.wait(lock, [&] { return go; });
    return {};
  };
  std::thread blocker([&] { EXPECT_TRUE(store.database->write(block)); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return entered; });
  }
  std::vector<std::thread> threads;
  for (size_t i = 0; i < limits::write_queue + 1; ++i)
    threads.emplace_back([&] {
      const auto done = store.database->write([](Session&) { return Result<void>(); });
      if (done) {
        ++accepted;
        return;
      }
      EXPECT_EQ(done.error().code(), Code::unavailable);
      ++refused;
      const std::lock_guard lock(mutex);
      go = true;
      changed.notify_all();
    });
  for (auto& thread : threads) thread.join();
  blocker.join();
  EXPECT_EQ(refused, 1U);
  EXPECT_EQ(accepted, limits::write_queue);
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
