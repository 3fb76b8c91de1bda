#include "store/migrate.h"

#include <fmt/format.h>

#include "store/postgres/connection.h"
#include "store/postgres/sql_text.h"

namespace millrace::store {
namespace {

// The tables that only PostgreSQL needs. store_writers: the last group that each process committed; store_numbers: the
// last number given out for each table that numbers its rows.
constexpr const char* kBasis = R"(
CREATE TABLE migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL);
CREATE TABLE store_identity (id TEXT PRIMARY KEY);
INSERT INTO store_identity VALUES (gen_random_uuid());
CREATE TABLE store_writers (writer TEXT PRIMARY KEY, mark BIGINT NOT NULL, written_at BIGINT NOT NULL);
CREATE TABLE store_numbers (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
CREATE FUNCTION store_next(wanted TEXT) RETURNS BIGINT LANGUAGE sql VOLATILE AS $$
  INSERT INTO store_numbers AS n VALUES (wanted, 1) ON CONFLICT (name) DO UPDATE SET value = n.value + 1
  RETURNING value $$;
)";

Result<void> make_basis(postgres::Connection& db) {
  MILLRACE_TRY(const auto row,
               db.first("SELECT count(*), count(*) FILTER (WHERE tablename IN ('migrations', 'store_identity', "
                        "'store_writers', 'store_numbers')) FROM pg_tables WHERE schemaname = current_schema()"));
  if (row->integer(1) == 4) return {};
  if (row->integer(0) == 0) return db.script(kBasis);
  return Error{Code::conflict, "this schema of the database holds tables of another program"}.hint(
      "give a database of its own, or a schema: ?options=-csearch_path%3DNAME");
}

Result<void> apply(postgres::Connection& db, std::span<const Migration> all, Context& context) {
  MILLRACE_DO(make_basis(db));
  MILLRACE_TRY(const auto row, db.first("SELECT coalesce(max(number), 0) FROM migrations"));
  const int64_t have = row->integer(0);
  MILLRACE_DO(check_known(have, all));
  for (const auto& step : all) {
    if (step.number <= have) continue;
    if (auto done = db.script(postgres::to_schema(step.sql)); !done)
      return std::move(done).error().while_doing(fmt::format("migration {} {}", step.number, step.name));
    MILLRACE_TRY(const auto marked, db.execute("INSERT INTO migrations VALUES (?, ?, ?)",
                                               {int64_t{step.number}, std::string(step.name), context.now()}));
    (void)marked;
  }
  return {};
}

}  // namespace

Result<void> migrate_postgres(postgres::Connection& db, std::span<const Migration> all, Context& context) {
  MILLRACE_DO(
      db.script(fmt::format("BEGIN; SET LOCAL lock_timeout = '10min'; SET LOCAL statement_timeout = '30min'; "
                            "SELECT pg_advisory_xact_lock({})",
                            db.lock_key())));
  auto done = apply(db, all, context);
  if (done) return db.commit();
  (void)db.recover("ROLLBACK");
  return done;
}

}  // namespace millrace::store
