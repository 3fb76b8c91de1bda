#include <fmt/format.h>

#include "core/fault.h"
#include "store/database.h"
#include "store/migrate.h"
#include "store/reader_pool.h"
#include "store/sqlite_connection.h"
#include "store/write_queue.h"

namespace millrace::store {
namespace {

class Sqlite final : public Database {
 public:
  Sqlite(std::string path, std::unique_ptr<Connection> writer)
      : writer_(std::move(writer)),
        readers_([path = std::move(path)] { return Connection::open_reader(path); }),
        queue_([this](const WriteGroup& group) { commit(group); }, Committer::callers_too) {}

  Result<void> write(const Write& rows) override { return queue_.write(rows); }

  Result<void> read(const Read& rows) const override {
    MILLRACE_TRY(auto session, readers_.borrow());
    auto outcome = session->control("BEGIN");
    if (outcome) {
      outcome = rows(*session);
      auto ended = session->control("COMMIT");
      if (!ended) session.reset();  // a broken connection is not used again
      if (outcome && !ended) outcome = std::move(ended);
    } else {
      session.reset();
    }
    readers_.give_back(std::move(session));
    return outcome;
  }

 private:
  void commit(const WriteGroup& group) {
    if (auto begun = writer_->control("BEGIN IMMEDIATE"); !begun) return fail_all(group, begun.error());
    for (auto* each : group) {
      each->outcome = run_one(*each->rows);
      // A full disk can end the whole transaction: then nobody's rows are there, and nobody may be told otherwise.
      if (!writer_->in_transaction()) return fail_all(group, lost(each->outcome));
    }
    FAULT_POINT("store.commit.before");
    if (auto done = writer_->control("COMMIT"); !done) {
      fail_all(group, done.error());
      (void)writer_->control("ROLLBACK");
      return;
    }
    FAULT_POINT("store.commit.after");
  }

  static Error lost(const Result<void>& cause) {
    return Error{Code::unavailable, "the store undid a group of writes: " +
                                        (cause ? std::string("no transaction") : cause.error().message())}
        .hint("free some room on the disk and try again; nothing was half-written");
  }

  Result<void> run_one(const Write& rows) {
    if (auto saved = writer_->control("SAVEPOINT one"); !saved) return saved;
    auto outcome = rows(*writer_);
    if (!writer_->in_transaction()) return outcome ? Result<void>(lost(outcome)) : outcome;
    if (!outcome) {
      if (auto undone = writer_->control("ROLLBACK TO one"); !undone) return undone;
    }
    if (auto released = writer_->control("RELEASE one"); !released) return released;
    return outcome;
  }

  std::unique_ptr<Connection> writer_;  // that of the thread that commits
  mutable ReaderPool<Connection> readers_;
  WriteQueue queue_;  // last: its thread ends first
};

}  // namespace

Result<void> migrate_sqlite(Connection& db, std::span<const Migration> all, Context& context) {
  MILLRACE_DO(
      db.script("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at "
                "INTEGER NOT NULL)"));
  MILLRACE_TRY(const auto rows, db.query("SELECT coalesce(max(number), 0) FROM migrations", {}));
  const int64_t have = rows[0].integer(0);
  MILLRACE_DO(check_known(have, all));
  for (const auto& step : all) {
    if (step.number <= have) continue;
    MILLRACE_DO(db.script("BEGIN IMMEDIATE"));
    if (auto done = db.script(step.sql); !done) {
      auto error = std::move(done).error().while_doing(fmt::format("migration {} {}", step.number, step.name));
      (void)db.script("ROLLBACK");
      return error;
    }
    MILLRACE_TRY(const auto marked, db.execute("INSERT INTO migrations VALUES (?, ?, ?)",
                                               {int64_t{step.number}, std::string(step.name), context.now()}));
    (void)marked;
    MILLRACE_DO(db.script("COMMIT"));
  }
  return {};
}

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path, Context& context) {
  MILLRACE_TRY(auto writer, Connection::open_writer(path));
  if (auto done = migrate_sqlite(*writer, migrations(), context); !done)
    return std::move(done).error().at({.file = path});
  return std::unique_ptr<Database>(std::make_unique<Sqlite>(path, std::move(writer)));
}

}  // namespace millrace::store
