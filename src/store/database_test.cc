// What every engine behind store::Database does alike; run-tests runs it on each.
#include <gtest/gtest.h>

#include <condition_variable>
#include <limits>
#include <thread>

#include <fmt/format.h>

#include "core/limits.h"
#include "store/migrate.h"
#include "store/sqlite_connection.h"
#include "store/testing.h"

namespace millrace::store {
namespace {

class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")); }
  testing::Store store;
};

TEST_F(DatabaseTest, every_value_comes_back_as_it_was) {
  ASSERT_TRUE(store.execute("CREATE TABLE v (a TEXT, b INTEGER, c REAL, d TEXT, e BLOB)"));
  const std::string bytes("a\0\xff", 3);
  ASSERT_TRUE(store.execute("INSERT INTO v VALUES (?, ?, ?, ?, ?)",
                            {nullptr, std::numeric_limits<int64_t>::min(), 0.1, std::string("x\ty"), Blob{bytes}}));
  const auto rows = store.query("SELECT * FROM v");
  ASSERT_TRUE(rows && rows->size() == 1);
  const auto& row = rows->at(0);
  EXPECT_TRUE(row.is_null(0));
  EXPECT_EQ(row.integer(1), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(row.real(2), 0.1);
  EXPECT_EQ(row.text(3), "x\ty");
  EXPECT_EQ(row.text(4), bytes);
  EXPECT_EQ(row.integer(3), 0);
  EXPECT_TRUE(std::isnan(row.real(3)));
  EXPECT_EQ(row.text(1), "");
}

TEST_F(DatabaseTest, eight_threads_write_everything_once) {
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
TEST_F(DatabaseTest, a_failing_write_leaves_the_others_of_its_group_alone) {
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

TEST_F(DatabaseTest, a_broken_constraint_is_a_conflict) {
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (1, 'x')"));
  EXPECT_EQ(store.execute("INSERT INTO t VALUES (1, 'y')").error().code(), Code::conflict);
  EXPECT_TRUE(store.execute("INSERT INTO t VALUES (2, 'y')"));
}

TEST_F(DatabaseTest, our_own_mistakes_are_internal_errors_and_harm_nothing) {
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

TEST_F(DatabaseTest, a_read_cannot_write) {
  const auto done = store.database->read([](Session& session) -> Result<void> {
    MILLRACE_DO(session.execute("INSERT INTO t VALUES (1, 'x')"));
    return {};
  });
  EXPECT_EQ(done.error().code(), Code::denied);
}

TEST_F(DatabaseTest, a_read_sees_one_snapshot_while_others_write) {
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

TEST_F(DatabaseTest, more_readers_than_sessions_take_turns) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < limits::read_sessions * 3; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) EXPECT_EQ(store.number("SELECT 1"), 1);
    });
  for (int n = 0; n < 20; ++n) EXPECT_TRUE(store.execute("INSERT INTO t VALUES (?, 'x')", {int64_t{n}}));
  for (auto& thread : threads) thread.join();
}

// Each of these reads breaks its connection; the places must come back.
TEST_F(DatabaseTest, broken_reading_connections_are_replaced) {
  for (size_t i = 0; i < limits::read_sessions * 2; ++i) {
    const auto done = store.database->read([](Session& session) -> Result<void> {
      MILLRACE_DO(session.execute("COMMIT"));
      return {};
    });
    EXPECT_FALSE(done);
  }
  EXPECT_EQ(store.number("SELECT 1"), 1);
}

TEST_F(DatabaseTest, many_different_statements_are_bounded_and_right) {
  for (size_t i = 0; i < limits::store_statements + 10; ++i)
    ASSERT_EQ(store.number(fmt::format("SELECT {}", i)), static_cast<int64_t>(i));
}

TEST_F(DatabaseTest, the_queue_of_writes_is_bounded) {
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

TEST_F(DatabaseTest, a_statement_that_failed_fails_its_write_and_no_other) {
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (1, 'x')"));
  const auto done = store.database->write([](Session& session) -> Result<void> {
    MILLRACE_DO(session.execute("INSERT INTO t VALUES (2, 'kept by nobody')"));
    MILLRACE_DO(session.execute("INSERT INTO t VALUES (1, 'taken')"));
    return {};
  });
  EXPECT_EQ(done.error().code(), Code::conflict);
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, text_is_ordered_by_its_bytes) {
  ASSERT_TRUE(store.execute("INSERT INTO nodes VALUES ('w', 'x', '', '', '', 0)"));
  const std::vector<std::string> sorted{"", "B", "Z", "_", "a", "a b", "a-b", "ab", "b", "z", "\xc3\x84", "\xc3\xa4"};
  int64_t number = 0;
  for (const auto& text : {sorted[9], sorted[3], sorted[11], sorted[0], sorted[5], sorted[1], sorted[7], sorted[10],
                           sorted[2], sorted[4], sorted[8], sorted[6]})
    ASSERT_TRUE(store.execute("INSERT INTO edges VALUES ('w', ?, '', '', '', '', ?)", {text, ++number}));
  const auto rows = store.query("SELECT source FROM edges ORDER BY source");
  ASSERT_EQ(rows->size(), sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) EXPECT_EQ(rows->at(i).text(0), sorted[i]);
  // A page goes on where the one before ended.
  const auto after = store.query("SELECT source FROM edges WHERE source > ? ORDER BY source LIMIT 2", {sorted[3]});
  EXPECT_EQ(after->at(0).text(0), "a");
  EXPECT_EQ(after->at(1).text(0), "a b");
}

TEST_F(DatabaseTest, patterns_know_case_and_no_accents) {
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (1, 'Abc'), (2, 'abc'), (3, 'a_c'), (4, '\xc3\x84')"));
  const auto count = [&](const std::string& condition, const std::string& value) {
    return store.query("SELECT count(*) FROM t WHERE " + condition, {value})->at(0).integer(0);
  };
  EXPECT_EQ(count("text LIKE ? ESCAPE '\\'", "a%"), 2);
  EXPECT_EQ(count("text LIKE ? ESCAPE '\\'", "_bc"), 2);
  EXPECT_EQ(count("text LIKE ? ESCAPE '\\'", "a\\_c"), 1);
  EXPECT_EQ(count("text LIKE ? ESCAPE '\\'", "_"), 1);  // one character, not one byte
  ASSERT_TRUE(store.execute("INSERT INTO edges SELECT 'w', text, '', '', '', '', id FROM t"));
  EXPECT_EQ(store.number("SELECT count(*) FROM edges WHERE lower(source) LIKE 'a%' ESCAPE '\\'"), 3);
  EXPECT_EQ(store.number("SELECT count(*) FROM edges WHERE lower(source) = '\xc3\x84'"), 1);  // ASCII has no Ae
}

TEST_F(DatabaseTest, sums_are_whole_numbers_and_truth_is_one) {
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (?, 'x'), (2, 'y')", {int64_t{1} << 53}));
  EXPECT_EQ(store.number("SELECT sum(id) FROM t"), (int64_t{1} << 53) + 2);
  EXPECT_EQ(store.number("SELECT sum(-id) FROM t"), -(int64_t{1} << 53) - 2);
  EXPECT_EQ(store.query("SELECT avg(id * 1.0) FROM t WHERE id < ?", {int64_t{3}})->at(0).real(0), 2.0);
  EXPECT_EQ(store.number("SELECT id = 2 FROM t WHERE text = 'y'"), 1);
  EXPECT_EQ(store.number("SELECT EXISTS (SELECT 1 FROM t WHERE text = 'z')"), 0);
}

TEST_F(DatabaseTest, a_question_mark_in_quotes_is_no_parameter) {
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (?, 'why?') -- really?", {int64_t{7}}));
  EXPECT_EQ(store.number("SELECT id FROM t WHERE text = 'why?' /* ? */"), 7);
}

// From the empty store and from each former version: the same tables, and what was in them.
TEST(Migrations, come_from_every_former_version) {
  for (size_t had = 1; had < migrations().size(); ++had) {
    testing::World world;
    const testing::Folder folder;
    const auto place = testing::place_of(folder / "meta.db");
    const auto former = migrations().first(had);
    if (is_postgres(place)) {
      auto connection = postgres::Connection::open(place);
      ASSERT_TRUE(connection && migrate_postgres(**connection, former, world.context));
      ASSERT_TRUE((*connection)->execute("INSERT INTO tokens VALUES ('w', 'a', 'b', 'c', 'd', 1, NULL, NULL)", {}));
    } else {
      auto connection = Connection::open_writer(place);
      ASSERT_TRUE(connection && migrate_sqlite(**connection, former, world.context));
      ASSERT_TRUE((*connection)->execute("INSERT INTO tokens VALUES ('w', 'a', 'b', 'c', 'd', 1, NULL, NULL)", {}));
    }
    const auto opened = open_database(place, world.context);
    ASSERT_TRUE(opened) << had << ": " << opened.error().text();
    ASSERT_TRUE((*opened)->read([&](Session& session) -> Result<void> {
      MILLRACE_TRY(const auto row, session.first("SELECT count(*), max(number) FROM migrations"));
      EXPECT_EQ(row->integer(0), static_cast<int64_t>(migrations().size()));
      EXPECT_EQ(row->integer(1), migrations().back().number);
      MILLRACE_TRY(const auto token, session.first("SELECT subject FROM tokens"));
      EXPECT_EQ(token->text(0), "c");
      return {};
    }));
  }
}

TEST(Migrations, that_fail_name_their_number_and_leave_the_version_before) {
  testing::World world;
  const testing::Folder folder;
  const auto place = testing::place_of(folder / "meta.db");
  std::vector<Migration> steps(migrations().begin(), migrations().end());
  steps.push_back({9998, "broken", "CREATE TABLE half (a INTEGER); CREATE TABLE half (a INTEGER)"});
  Result<void> done;
  if (is_postgres(place)) {
    auto connection = postgres::Connection::open(place);
    done = migrate_postgres(**connection, steps, world.context);
  } else {
    auto connection = Connection::open_writer(place);
    done = migrate_sqlite(**connection, steps, world.context);
  }
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().doing().front(), "migration 9998 broken");
  const auto opened = open_database(place, world.context);
  ASSERT_TRUE(opened) << opened.error().text();
  EXPECT_TRUE((*opened)->write([](Session& session) -> Result<void> {
    MILLRACE_DO(session.execute("CREATE TABLE half (a INTEGER)"));
    return {};
  }));
}

}  // namespace
}  // namespace millrace::store
