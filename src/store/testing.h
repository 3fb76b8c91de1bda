// For tests only: a store of its own. It is SQLite's, or PostgreSQL's where MILLRACE_TEST_POSTGRES holds the URL of a
// database: then each store is a schema there, gone at the end.
// Files of tests that start again stay there as long as the database does.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>

#include <fmt/format.h>

#include "core/hash.h"
#include "core/testing.h"
#include "store/open.h"
#include "store/postgres/connection.h"

namespace millrace::testing {

inline std::string test_postgres() {
  const char* url = std::getenv("MILLRACE_TEST_POSTGRES");
  return url != nullptr ? url : "";
}
inline bool on_postgres() { return !test_postgres().empty(); }

// The schema that stands for this file, in the database behind MILLRACE_TEST_POSTGRES.
inline std::string schema_of(const std::string& file) { return "t_" + digest_of(file).substr(7, 24); }
inline void run_on_postgres(const std::string& sql) {
  const auto connection = store::postgres::Connection::open(test_postgres());
  ASSERT_TRUE(connection) << connection.error().text();
  const auto done = (*connection)->script(sql);
  ASSERT_TRUE(done) << done.error().text();
}

// What open_database takes for a store that would be this file: the same in every process that asks.
inline std::string place_of(const std::string& file) {
  const auto url = test_postgres();
  if (url.empty()) return file;
  run_on_postgres(fmt::format("CREATE SCHEMA IF NOT EXISTS {}", schema_of(file)));
  return fmt::format("{}{}options=-csearch_path%3D{}", url, url.find('?') == std::string::npos ? '?' : '&',
                     schema_of(file));
}

// A store in a file, or wherever `place` is.
struct SqliteStore {
  Folder folder;
  World world;
  std::string place = folder / "meta.db";
  std::unique_ptr<store::Database> database = reopen();

  std::string file() const { return folder / "meta.db"; }
  std::unique_ptr<store::Database> reopen() {
    auto opened = store::open_database(place, world.context);
    EXPECT_TRUE(opened) << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }
  void close() { database.reset(); }

  Result<int64_t> execute(const std::string& sql, const store::Values& values = {}) {
    int64_t changed = 0;
    MILLRACE_DO(database->write([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(changed, session.execute(sql, values));
      return {};
    }));
    return changed;
  }
  Result<store::Rows> query(const std::string& sql, const store::Values& values = {}) const {
    store::Rows rows;
    MILLRACE_DO(database->read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(rows, session.query(sql, values));
      return {};
    }));
    return rows;
  }
  int64_t number(const std::string& sql) const {
    const auto rows = query(sql);
    EXPECT_TRUE(rows) << rows.error().text();
    return rows && !rows->empty() ? rows->at(0).integer(0) : -1;
  }
};

struct Store : SqliteStore {
  Store() {
    if (!on_postgres()) return;
    close();
    place = place_of(file());
    database = reopen();
  }
  ~Store() {
    close();
    if (on_postgres()) run_on_postgres(fmt::format("DROP SCHEMA {} CASCADE", schema_of(file())));
  }
};

}  // namespace millrace::testing
