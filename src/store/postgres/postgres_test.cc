// What only PostgreSQL can do to us. These tests need MILLRACE_TEST_POSTGRES; run-tests gives it.
#include <gtest/gtest.h>

#include <thread>

#include <fmt/format.h>

#include "store/migrate.h"
#include "store/postgres/errors.h"
#include "store/testing.h"

namespace millrace::store {
namespace {

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(testing::on_postgres()) << "MILLRACE_TEST_POSTGRES gives no database";
    ASSERT_TRUE(store.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)"));
  }
  // As an administrator would, or a network.
  static void cut(int64_t process) {
    const auto other = postgres::Connection::open(testing::test_postgres());
    ASSERT_TRUE(other);
    ASSERT_TRUE((*other)->query("SELECT pg_terminate_backend(CAST(? AS INT), 10000)", {process}));
  }
  static Result<int64_t> process_of(Session& session) {
    MILLRACE_TRY(const auto row, session.first("SELECT pg_backend_pid()"));
    return row->integer(0);
  }
  testing::Store store;
};

TEST_F(PostgresTest, a_connection_lost_between_two_writes_is_replaced_unseen) {
  int64_t process = 0;
  ASSERT_TRUE(store.database->write([&](Session& session) -> Result<void> {
    MILLRACE_TRY(process, process_of(session));
    return {};
  }));
  cut(process);
  EXPECT_TRUE(store.execute("INSERT INTO t VALUES (1, 'x')"));
}

TEST_F(PostgresTest, reading_connections_that_were_lost_are_replaced_unseen) {
  std::vector<int64_t> processes;
  ASSERT_TRUE(store.database->read([&](Session& session) -> Result<void> {
    MILLRACE_TRY(const auto process, process_of(session));
    processes.push_back(process);
    return {};
  }));
  for (const auto process : processes) cut(process);
  EXPECT_EQ(store.number("SELECT 7"), 7);
}

TEST_F(PostgresTest, a_connection_lost_inside_a_write_keeps_nothing_and_says_so) {
  const auto done = store.database->write([&](Session& session) -> Result<void> {
    MILLRACE_DO(session.execute("INSERT INTO t VALUES (1, 'x')"));
    MILLRACE_TRY(const auto process, process_of(session));
    cut(process);
    MILLRACE_DO(session.execute("INSERT INTO t VALUES (2, 'x')"));
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::unavailable);
  EXPECT_EQ(done.error().message(), "the connection to the database was lost: nothing of this change was kept");
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), 0);
  EXPECT_TRUE(store.execute("INSERT INTO t VALUES (1, 'x')"));
}

TEST_F(PostgresTest, a_connection_lost_inside_a_read_is_unavailable) {
  const auto done = store.database->read([&](Session& session) -> Result<void> {
    MILLRACE_TRY(const auto process, process_of(session));
    cut(process);
    MILLRACE_DO(session.query("SELECT 1"));
    return {};
  });
  EXPECT_EQ(done.error().code(), Code::unavailable);
  EXPECT_EQ(store.number("SELECT 7"), 7);
}

// The trigger runs inside COMMIT: the connection is lost where only the database knows what became of the write.
TEST_F(PostgresTest, a_commit_that_was_cut_off_is_asked_after) {
  auto connection = postgres::Connection::open(store.place);
  ASSERT_TRUE((*connection)
                  ->script("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "
                           "pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL; END $$;"
                           "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
                           "FOR EACH ROW WHEN (NEW.text = 'die') EXECUTE FUNCTION die()"));
  const auto done = store.execute("INSERT INTO t VALUES (1, 'die')");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::unavailable);
  EXPECT_EQ(done.error().message(), "the connection to the database was lost: nothing of this change was kept");
  EXPECT_TRUE(store.execute("INSERT INTO t VALUES (1, 'live')"));
}

TEST_F(PostgresTest, a_commit_that_the_database_refuses_is_a_conflict) {
  ASSERT_TRUE(store.execute("CREATE TABLE u (id INTEGER UNIQUE DEFERRABLE INITIALLY DEFERRED)"));
  EXPECT_EQ(store.execute("INSERT INTO u VALUES (1), (1)").error().code(), Code::conflict);
  EXPECT_TRUE(store.execute("INSERT INTO u VALUES (1)"));
}

TEST_F(PostgresTest, text_that_it_cannot_hold_is_invalid) {
  for (const auto& text : {std::string("a\0b", 3), std::string("\xff"), std::string("\xed\xa0\x80")}) {
    const auto done = store.execute("INSERT INTO t VALUES (1, ?)", {text});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::invalid) << done.error().text();
    EXPECT_EQ(store.query("SELECT id FROM t WHERE text = ?", {text}).error().code(), Code::invalid);
  }
  EXPECT_TRUE(store.execute("INSERT INTO t VALUES (1, 'x')"));
}

// What a read sees stays true until the commit of the same write, whoever else writes.
TEST_F(PostgresTest, writes_of_two_processes_take_turns) {
  const auto other = store.reopen();
  ASSERT_TRUE(store.execute("INSERT INTO t VALUES (0, 'x')"));
  const auto count_up = [](Database& database) {
    for (int i = 0; i < 50; ++i)
      EXPECT_TRUE(database.write([](Session& session) -> Result<void> {
        MILLRACE_TRY(const auto row, session.first("SELECT max(id) FROM t"));
        MILLRACE_DO(session.execute("INSERT INTO t VALUES (?, 'x')", {row->integer(0) + 1}));
        return {};
      }));
  };
  std::thread first([&] { count_up(*store.database); });
  std::thread second([&] { count_up(*other); });
  std::thread third([&] { count_up(*other); });
  first.join(), second.join(), third.join();
  EXPECT_EQ(store.number("SELECT max(id) FROM t"), 150);
}

TEST_F(PostgresTest, four_that_start_at_once_migrate_once) {
  const testing::Folder folder;
  const auto place = testing::place_of(folder / "meta.db");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      testing::World world;
      const auto opened = open_database(place, world.context);
      EXPECT_TRUE(opened) << opened.error().text();
    });
  for (auto& thread : threads) thread.join();
}

TEST_F(PostgresTest, a_schema_of_another_program_is_refused_untouched) {
  const testing::Folder folder;
  const auto place = testing::place_of(folder / "meta.db");
  auto connection = postgres::Connection::open(place);
  ASSERT_TRUE((*connection)->script("CREATE TABLE migrations (version INT)"));
  EXPECT_EQ(open_database(place, store.world.context).error().code(), Code::conflict);
  EXPECT_EQ((*(*connection)->first("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"))->integer(0),
            1);
}

TEST_F(PostgresTest, a_newer_schema_is_refused_with_a_hint) {
  ASSERT_TRUE(store.execute("INSERT INTO migrations VALUES (9999, 'future', 0)"));
  EXPECT_EQ(open_database(store.place, store.world.context).error().code(), Code::unsupported);
}

TEST_F(PostgresTest, errors_have_the_codes_that_sqlite_gives) {
  EXPECT_EQ(postgres::to_error("23505", "").code(), Code::conflict);
  EXPECT_EQ(postgres::to_error("23502", "").code(), Code::conflict);
  EXPECT_EQ(postgres::to_error("40001", "").code(), Code::unavailable);
  EXPECT_EQ(postgres::to_error("53100", "").code(), Code::unavailable);
  EXPECT_EQ(postgres::to_error("57P03", "").code(), Code::unavailable);
  EXPECT_EQ(postgres::to_error("57014", "").code(), Code::timeout);
  EXPECT_EQ(postgres::to_error("54000", "").code(), Code::too_large);
  EXPECT_EQ(postgres::to_error("42P01", "").code(), Code::internal);
  EXPECT_EQ(store.execute("INSERT INTO jobs (workspace) VALUES ('w')").error().code(), Code::conflict);
}

TEST(PostgresUrl, that_is_wrong_is_refused_without_its_secret) {
  testing::World world;
  for (const char* url :
       {"postgresql://ada:top@secret@host/db", "postgresql://ada:top/secret@host/db",
        "postgresql://ada:topsecret@host:db", "postgresql://ada:top?secret@host/db",
        "postgresql://ada:topsecret@nowhere.invalid:1/db", "postgresql://ada:topsecret@127.0.0.1:1/db"}) {
    const auto opened = open_database(url, world.context);
    ASSERT_FALSE(opened) << url;
    EXPECT_EQ(opened.error().text().find("secret"), std::string::npos) << opened.error().text();
    EXPECT_EQ(opened.error().text().find("top"), std::string::npos) << opened.error().text();
  }
  EXPECT_EQ(open_database("postgresql://127.0.0.1:1/db", world.context).error().code(), Code::unavailable);
  EXPECT_EQ(shown_place("postgresql://ada:topsecret@host:77/db?password=x"), "postgresql://host:77/db");
  EXPECT_TRUE(has_password("postgresql://ada:topsecret@host/db"));
  EXPECT_FALSE(has_password("postgresql://ada@host/db"));
}

}  // namespace
}  // namespace millrace::store
