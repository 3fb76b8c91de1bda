// For tests only: a store of its own, with a table to write to.
#pragma once
#include <gtest/gtest.h>

#include "core/testing.h"
#include "store/database.h"

namespace millrace::testing {

struct Store {
  Folder folder;
  World world;
  std::unique_ptr<store::Database> database = reopen();

  std::string file() const { return folder / "meta.db"; }
  std::unique_ptr<store::Database> reopen() {
    auto opened = store::open_sqlite(file(), world.context);
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

}  // namespace millrace::testing
