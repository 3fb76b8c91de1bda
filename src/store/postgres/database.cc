#include <algorithm>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/limits.h"
#include "store/migrate.h"
#include "store/open.h"
#include "store/postgres/connection.h"
#include "store/reader_pool.h"
#include "store/write_queue.h"
#include "store/writer.h"

namespace millrace::store {
namespace postgres {
namespace {

constexpr Micros kAskAgain = 200'000;
constexpr Micros kDoubt = 60'000'000;
constexpr size_t kTogether = 64;  // writes of one turn: other servers wait for it
constexpr Micros kForgetWriters = 30 * 86'400 * Micros{1'000'000};

enum class Kept { yes, no, unknown };

class Postgres final : public Database, public SharedStore {
 public:
  Postgres(const std::string& url, std::unique_ptr<Connection> connection, std::string writer, Context& context)
      : url_(url),
        context_(context),
        name_(context.uuid()),
        writer_name_(std::move(writer)),
        writer_(std::move(connection)),
        readers_([url] { return Connection::open(url); }),
        queue_([this](const WriteGroup& group) { commit(group); }) {}

  const std::string& writer() const override { return writer_name_; }
  Result<void> write(const Write& rows) override { return queue_.write(rows); }

  Result<void> read(const Read& rows) const override {
    MILLRACE_TRY(auto session, snapshot());
    auto outcome = rows(*session);
    if (outcome && session->failure()) outcome = *session->failure();
    if (outcome && !session->in_transaction()) outcome = Error{Code::internal, "a read may not end its transaction"};
    if (!session->recover("ROLLBACK") || session->broken()) session.reset();  // it read only
    readers_.give_back(std::move(session));
    return outcome;
  }

 private:
  // After a restart of the database every idle connection is a lost one: each is tried and replaced.
  Result<std::unique_ptr<Connection>> snapshot() const {
    for (size_t tried = 0;; ++tried) {
      auto borrowed = readers_.borrow();
      if (!borrowed) return unreachable(borrowed.error());
      auto session = std::move(*borrowed);
      auto begun = session->script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
      if (begun) return session;
      const bool again = session->broken() && tried < limits::read_sessions;
      readers_.give_back(nullptr);
      if (!again) return std::move(begun).error();
    }
  }

  // Everything up to the first statement of a Write. A lost connection is replaced, for nothing has run yet.
  Result<void> begin() {
    if (writer_) {
      if (auto begun = begin_here(); begun || !writer_->broken()) return begun;
      writer_.reset();
    }
    auto opened = Connection::open(url_);
    if (!opened) return unreachable(opened.error());
    writer_ = std::move(*opened);
    return begin_here();
  }

  // Why it cannot be reached is for who runs the server; who asks it learns that it will be again.
  Error unreachable(const Error& why) const {
    context_.log.warn("store.unreachable", {{"error", why.text()}});
    return Error{Code::unavailable, "the database cannot be reached"}.hint("try again in a moment");
  }

  Result<void> begin_here() {
    auto begun = writer_->script(
        fmt::format("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '60s'; SELECT pg_advisory_xact_lock({}); "
                    "INSERT INTO store_writers VALUES ('{}', {}, {}) ON CONFLICT (writer) "
                    "DO UPDATE SET mark = excluded.mark, written_at = excluded.written_at; SAVEPOINT one",
                    writer_->lock_key(), name_, ++mark_, context_.now()));
    if (!begun) (void)writer_->recover("ROLLBACK");
    return begun;
  }

  void commit(const WriteGroup& group) {
    for (size_t from = 0; from < group.size(); from += kTogether) {
      const auto to = std::min(group.size(), from + kTogether);
      const WriteGroup turn(group.begin() + static_cast<std::ptrdiff_t>(from),
                            group.begin() + static_cast<std::ptrdiff_t>(to));
      if (auto begun = begin(); begun)
        commit_turn(turn);
      else
        return fail_all({group.begin() + static_cast<std::ptrdiff_t>(from), group.end()}, begun.error());
    }
  }

  // After begin().
  void commit_turn(const WriteGroup& group) {
    bool any = false;
    for (auto* each : group) {
      each->outcome = run_one(*each->rows, each == group.back());
      if (!writer_->broken() && writer_->in_transaction()) {
        any = any || each->outcome.ok();
        continue;
      }
      const bool broken = writer_->broken();
      if (broken) each->outcome = lost();
      writer_.reset();  // and with it the transaction, if there still is one
      return fail_all(group, broken ? lost() : Error{Code::internal, "a write may not end its transaction"});
    }
    if (!any) return (void)writer_->recover("ROLLBACK");
    FAULT_POINT("store.commit.before");
    auto done = writer_->commit();
    if (!done && writer_->broken()) return settle(group);
    if (!done) {
      fail_all(group, done.error());
      (void)writer_->recover("ROLLBACK");
      return;
    }
    FAULT_POINT("store.commit.after");
  }

  static Error lost() {
    return Error{Code::unavailable, "the connection to the database was lost: nothing of this change was kept"}.hint(
        "try again in a moment");
  }

  Result<void> run_one(const Write& rows, bool last) {
    auto outcome = rows(*writer_);
    if (outcome && writer_->failure()) outcome = *writer_->failure();
    if (writer_->broken() || !writer_->in_transaction()) return outcome;
    if (!outcome) {
      if (auto undone = writer_->recover("ROLLBACK TO SAVEPOINT one"); !undone) return undone;
      return outcome;
    }
    return last ? outcome : writer_->script("RELEASE SAVEPOINT one; SAVEPOINT one");
  }

  // The connection broke after COMMIT was sent. Nobody is answered before the database has said what became of it.
  void settle(const WriteGroup& group) {
    writer_.reset();
    queue_.refuse(Error{Code::unavailable, "the connection to the database was lost"}.hint("try again in a moment"));
    context_.log.warn("store.commit_in_doubt", {{"writes", group.size()}});
    const Micros until = context_.clock.steady() + kDoubt;
    Kept kept = ask();
    while (kept == Kept::unknown && context_.clock.steady() < until && !queue_.pause(kAskAgain)) kept = ask();
    context_.log.warn("store.commit_settled", {{"kept", kept == Kept::yes  ? "yes"
                                                        : kept == Kept::no ? "no"
                                                                           : "unknown"}});
    if (kept == Kept::no) fail_all(group, lost());
    if (kept == Kept::unknown)
      fail_all(group, Error{Code::conflict,
                            "the database was lost while it committed this change and did not come back: it is not "
                            "known whether the change was kept"}
                          .hint("look before you send it again; with an Idempotency-Key it is safe to"));
    queue_.accept();
  }

  // Under the lock, so that a transaction of ours that still runs has ended. The mark was written in the same
  // transaction as the group: a transaction id could be given out again after a crash of the database.
  Kept ask() {
    auto connection = Connection::open(url_);
    if (!connection) return Kept::unknown;
    auto& db = **connection;
    if (!db.script(fmt::format("BEGIN; SELECT pg_advisory_xact_lock({})", db.lock_key()))) return Kept::unknown;
    const auto row = db.first("SELECT mark FROM store_writers WHERE writer = ?", {name_});
    if (!row || !db.recover("ROLLBACK")) return Kept::unknown;
    writer_ = std::move(*connection);
    return *row && (*row)->integer(0) == mark_ ? Kept::yes : Kept::no;
  }

  std::string url_;
  Context& context_;
  std::string name_, writer_name_;      // of this opening of the store
  int64_t mark_ = 0;                    // of the group; the committing thread's alone, as is
  std::unique_ptr<Connection> writer_;  // nullptr while the connection is lost
  mutable ReaderPool<Connection> readers_;
  WriteQueue queue_;  // last: its thread ends first
};

}  // namespace
}  // namespace postgres

Result<std::unique_ptr<Database>> open_postgres(const std::string& url, Context& context, const std::string& writer) {
  const auto open = [&]() -> Result<std::unique_ptr<postgres::Connection>> {
    MILLRACE_TRY(auto connection, postgres::Connection::open(url));
    MILLRACE_DO(migrate_postgres(*connection, migrations(), context));
    MILLRACE_TRY(const auto forgotten, connection->execute("DELETE FROM store_writers WHERE written_at < ?",
                                                           {context.now() - postgres::kForgetWriters}));
    (void)forgotten;
    return connection;
  };
  auto connection = open();
  if (!connection) return std::move(connection).error().while_doing("opening " + shown_place(url));
  return std::unique_ptr<Database>(std::make_unique<postgres::Postgres>(url, std::move(*connection), writer, context));
}

}  // namespace millrace::store
