#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/limits.h"
#include "store/database.h"
#include "store/migrations.h"
#include "store/sqlite_connection.h"

namespace millrace::store {
namespace {

// One thread commits; whatever waits when it comes round shares one commit (one flush).
class Sqlite final : public Database {
 public:
  Sqlite(std::string path, std::unique_ptr<Connection> writer) : path_(std::move(path)), writer_(std::move(writer)) {
    thread_ = std::thread([this] { commit_groups(); });
  }

  ~Sqlite() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  Result<void> write(const Write& rows) override {
    if (std::this_thread::get_id() == thread_.get_id())
      return Error{Code::internal, "a write may not start another write"};  // it would wait for itself
    Pending mine{.rows = &rows};
    {
      std::unique_lock lock(mutex_);
      if (stopping_) return Error{Code::unavailable, "the store is closing"};
      if (queue_.size() >= limits::write_queue)
        return Error{Code::unavailable, "too many writes are waiting"}.hint("try again in a moment");
      queue_.push_back(&mine);
      wake_.notify_one();
      done_.wait(lock, [&] { return mine.finished; });
    }
    return std::move(mine.outcome);
  }

  Result<void> read(const Read& rows) const override {
    MILLRACE_TRY(auto session, borrow());
    auto outcome = session->script("BEGIN");
    if (outcome) {
      outcome = rows(*session);
      auto ended = session->script("COMMIT");
      if (!ended) session.reset();  // a broken connection is not used again
      if (outcome && !ended) outcome = std::move(ended);
    } else {
      session.reset();
    }
    give_back(std::move(session));
    return outcome;
  }

 private:
  struct Pending {
    const Write* rows = nullptr;
    Result<void> outcome{};
    bool finished = false;
  };

  void commit_groups() {
    while (true) {
      std::vector<Pending*> group;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        group.assign(queue_.begin(), queue_.end());
        queue_.clear();
      }
      run(group);
      {
        const std::lock_guard lock(mutex_);
        for (auto* each : group) each->finished = true;
      }
      done_.notify_all();
    }
  }

  void run(const std::vector<Pending*>& group) {
    const auto fail_all = [&](const Error& error) {
      for (auto* each : group)
        if (each->outcome) each->outcome = error;
    };
    if (auto begun = writer_->script("BEGIN IMMEDIATE"); !begun) return fail_all(begun.error());
    for (auto* each : group) {
      each->outcome = run_one(*each->rows);
      // A full disk can end the whole transaction: then nobody's rows are there, and nobody may be told otherwise.
      if (!writer_->in_transaction()) return fail_all(lost(each->outcome));
    }
    FAULT_POINT("store.commit.before");
    if (auto done = writer_->script("COMMIT"); !done) {
      fail_all(done.error());
      (void)writer_->script("ROLLBACK");
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
    if (auto saved = writer_->script("SAVEPOINT one"); !saved) return saved;
    auto outcome = rows(*writer_);
    if (!writer_->in_transaction()) return outcome ? Result<void>(lost(outcome)) : outcome;
    if (!outcome) {
      if (auto undone = writer_->script("ROLLBACK TO one"); !undone) return undone;
    }
    if (auto released = writer_->script("RELEASE one"); !released) return released;
    return outcome;
  }

  Result<std::unique_ptr<Connection>> borrow() const {
    {
      std::unique_lock lock(readers_mutex_);
      readers_free_.wait(lock, [&] { return !idle_.empty() || open_readers_ < limits::read_sessions; });
      if (!idle_.empty()) {
        auto session = std::move(idle_.back());
        idle_.pop_back();
        return session;
      }
      ++open_readers_;
    }
    auto made = Connection::open_reader(path_);
    if (!made) {
      const std::lock_guard lock(readers_mutex_);
      --open_readers_;
      readers_free_.notify_one();
    }
    return made;
  }

  void give_back(std::unique_ptr<Connection> session) const {
    const std::lock_guard lock(readers_mutex_);
    if (session)
      idle_.push_back(std::move(session));
    else
      --open_readers_;
    readers_free_.notify_one();
  }

  std::string path_;
  std::unique_ptr<Connection> writer_;  // the committing thread's alone
  std::thread thread_;

  std::mutex mutex_;  // guards queue_, stopping_ and every Pending::finished
  std::condition_variable wake_, done_;
  std::deque<Pending*> queue_;
  bool stopping_ = false;

  mutable std::mutex readers_mutex_;  // guards idle_ and open_readers_
  mutable std::condition_variable readers_free_;
  mutable std::vector<std::unique_ptr<Connection>> idle_;
  mutable size_t open_readers_ = 0;
};

Result<void> migrate(Connection& db, Context& context) {
  MILLRACE_DO(
      db.script("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at "
                "INTEGER NOT NULL)"));
  MILLRACE_TRY(const auto rows, db.query("SELECT coalesce(max(number), 0) FROM migrations", {}));
  const int64_t have = rows[0].integer(0);
  const auto all = migrations();
  const int64_t newest = all.empty() ? 0 : all.back().number;
  if (have > newest)
    return Error{Code::unsupported, fmt::format("the store has schema {}, this program knows up to {}", have, newest)}
        .hint("use the newer millrace that wrote this state folder");
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

}  // namespace

int64_t Row::integer(size_t column) const {
  const auto* value = std::get_if<int64_t>(&values_.at(column));
  return value != nullptr ? *value : 0;
}

double Row::real(size_t column) const {
  if (const auto* integer = std::get_if<int64_t>(&values_.at(column))) return static_cast<double>(*integer);
  const auto* value = std::get_if<double>(&values_.at(column));
  return value != nullptr ? *value : std::numeric_limits<double>::quiet_NaN();
}

std::string Row::text(size_t column) const {
  const auto* value = std::get_if<std::string>(&values_.at(column));
  return value != nullptr ? *value : std::string();
}

Result<std::optional<Row>> Session::first(std::string_view sql, const Values& values) {
  MILLRACE_TRY(auto rows, query(sql, values));
  if (rows.empty()) return std::optional<Row>{};
  return std::optional<Row>{std::move(rows.front())};
}

Result<std::unique_ptr<Database>> open_sqlite(const std::string& path, Context& context) {
  MILLRACE_TRY(auto writer, Connection::open_writer(path));
  if (auto done = migrate(*writer, context); !done) return std::move(done).error().at({.file = path});
  return std::unique_ptr<Database>(std::make_unique<Sqlite>(path, std::move(writer)));
}

}  // namespace millrace::store
