#include "pipeline/records.h"

#include <fmt/format.h>

#include "core/limits.h"
#include "pipeline/trace.h"
#include "store/writer.h"

namespace millrace::pipeline {
namespace {

constexpr std::string_view kColumns =
    "r.stage, r.cache_key, r.run_id, r.job, r.state, r.outs, r.components, r.undeclared, r.started_at, r.ended_at";

Result<Json> stored_json(const std::string& text) {
  auto value = parse_json(text, "stage_records");
  if (!value) return Error{Code::corrupt, fmt::format("a stage's record cannot be read: {}", value.error().message())};
  return value;
}

Result<StageRecord> to_record(const store::Row& row) {
  StageRecord out{.stage = row.text(0),
                  .key = row.text(1),
                  .run_id = row.text(2),
                  .job = row.text(3),
                  .state = row.text(4),
                  .undeclared = row.integer(7),
                  .started_at = row.integer(8),
                  .ended_at = row.integer(9)};
  MILLRACE_TRY(const auto outs, stored_json(row.text(5)));
  for (const auto& item : outs)
    out.outs.push_back({string_or(item, "path", ""), string_or(item, "digest", ""), integer_or(item, "size", 0)});
  MILLRACE_TRY(out.components, stored_json(row.text(6)));
  return out;
}

Json outs_json(const StageRecord& record) {
  Json out = Json::array();
  for (const auto& made : record.outs)
    out.push_back({{"path", made.path}, {"digest", made.digest}, {"size", made.size}});
  return out;
}

Result<void> set_current(store::Session& session, const std::string& workspace, const StageRecord& record) {
  MILLRACE_TRY(
      const auto rows,
      session.execute(
          "INSERT INTO stage_current (workspace, stage, cache_key) VALUES (?, ?, ?) ON CONFLICT (workspace, stage) "
          "DO UPDATE SET cache_key = excluded.cache_key",
          {workspace, record.stage, record.key}));
  (void)rows;
  return {};
}

// Ends an attempt once; conflict when somebody ended it before.
Result<void> end_attempt(store::Session& session, const Attempt& attempt, std::string_view state,
                         const std::string& error, Micros now) {
  MILLRACE_TRY(const auto rows, session.execute("UPDATE stage_attempts SET state = ?, error = ?, ended_at = ? WHERE "
                                                "workspace = ? AND id = ? AND state = 'running'",
                                                {std::string(state), error, now, attempt.workspace, attempt.id}));
  if (rows == 1) return {};
  return Error{Code::conflict, fmt::format("the run of '{}' was ended by somebody else", attempt.stage)}.hint(
      "run it again");
}

Result<std::optional<StageRecord>> first_record(const store::Database& database, const std::string& sql,
                                                const store::Values& values) {
  std::optional<StageRecord> out;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first(sql, values));
    if (!row) return {};
    MILLRACE_TRY(out, to_record(*row));
    return {};
  }));
  return out;
}

}  // namespace

std::string Attempt::node() const { return stage_node(stage, key); }

Result<std::optional<StageRecord>> Records::find(const std::string& workspace, const std::string& stage,
                                                 const std::string& key) const {
  return first_record(
      database_,
      fmt::format("SELECT {} FROM stage_records r WHERE r.workspace = ? AND r.stage = ? AND r.cache_key = ?", kColumns),
      {workspace, stage, key});
}

Result<std::optional<StageRecord>> Records::current(const std::string& workspace, const std::string& stage) const {
  return first_record(
      database_,
      fmt::format(
          "SELECT {} FROM stage_records r JOIN stage_current c ON c.workspace = r.workspace AND c.stage = r.stage "
          "AND c.cache_key = r.cache_key WHERE r.workspace = ? AND r.stage = ?",
          kColumns),
      {workspace, stage});
}

Result<std::vector<StageRecord>> Records::newest(const std::string& workspace, const std::string& stage) const {
  std::vector<StageRecord> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT {} FROM stage_records r WHERE r.workspace = ? AND "
                                                            "(? = '' OR r.stage = ?) ORDER BY r.ended_at DESC, "
                                                            "r.cache_key LIMIT ?",
                                                            kColumns),
                                                {workspace, stage, stage, static_cast<int64_t>(limits::page_size)}));
    for (const auto& row : rows) {
      MILLRACE_TRY(auto record, to_record(row));
      out.push_back(std::move(record));
    }
    return {};
  }));
  return out;
}

Result<std::vector<Attempt>> Records::cut_off() const {
  std::vector<Attempt> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows, session.query("SELECT workspace, id, stage, cache_key, run_id, job, started_at FROM "
                                                "stage_attempts WHERE state = 'running'"));
    for (const auto& row : rows)
      if (store::is_own_name(database_, row.text(1)))
        out.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), row.integer(6)});
    return {};
  }));
  return out;
}

Result<void> Records::begin(const Caller& caller, const Attempt& attempt, bool verify) {
  const auto written = journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto rows,
                 session.execute("INSERT INTO stage_attempts (workspace, id, stage, cache_key, run_id, job, state, "
                                 "error, started_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, 'running', '', ?, 0)",
                                 {attempt.workspace, attempt.id, attempt.stage, attempt.key, attempt.run_id,
                                  attempt.job, attempt.started_at}));
    (void)rows;
    return lineage::Change{.kind = "stage.started",
                           .node = attempt.node(),
                           .body = {{"attempt", attempt.id}, {"job", attempt.job}, {"verify", verify}}};
  });
  return written ? Result<void>{} : written.error();
}

Result<void> Records::note_run(const Caller& caller, const Attempt& attempt) {
  const auto written = journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto rows, session.execute("UPDATE stage_attempts SET run_id = ? WHERE workspace = ? AND id = ?",
                                                  {attempt.run_id, attempt.workspace, attempt.id}));
    (void)rows;
    return lineage::Change{};  // the run's own line was written by tracking
  });
  return written ? Result<void>{} : written.error();
}

Result<void> Records::succeed(const Caller& caller, const Attempt& attempt, const StageRecord& record,
                              const Json& columns) {
  const auto written = journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(end_attempt(session, attempt, "done", "", record.ended_at));
    MILLRACE_TRY(const auto rows,
                 session.execute("INSERT INTO stage_records (workspace, stage, cache_key, run_id, job, state, outs, "
                                 "components, undeclared, started_at, ended_at) "
                                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, stage, cache_key) "
                                 "DO UPDATE SET run_id = excluded.run_id, job = excluded.job, "
                                 "state = excluded.state, outs = excluded.outs, components = excluded.components, "
                                 "undeclared = excluded.undeclared, "
                                 "started_at = excluded.started_at, ended_at = excluded.ended_at",
                                 {caller.workspace, record.stage, record.key, record.run_id, record.job, record.state,
                                  to_text(outs_json(record)), to_text(record.components), record.undeclared,
                                  record.started_at, record.ended_at}));
    (void)rows;
    MILLRACE_DO(set_current(session, caller.workspace, record));
    return ran(record, columns);
  });
  return written ? Result<void>{} : written.error();
}

Result<void> Records::fail(const Caller& caller, const Attempt& attempt, const Error& error, Micros now) {
  const auto written = journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(end_attempt(session, attempt, "failed", error.message(), now));
    return lineage::Change{
        .kind = "stage.failed",
        .node = attempt.node(),
        .why = std::string(name_of(error.code())),
        .body = {{"attempt", attempt.id}, {"error", error.text()}, {"run", attempt.run_id}, {"job", attempt.job}}};
  });
  return written ? Result<void>{} : written.error();
}

Result<void> Records::reuse(const Caller& caller, const StageRecord& record) {
  const auto written = journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(set_current(session, caller.workspace, record));
    return lineage::Change{.kind = "stage.reused",
                           .node = record.node(),
                           .after = record.key,
                           .why = "its inputs are again those of this record"};
  });
  return written ? Result<void>{} : written.error();
}

Result<void> Records::verified(const Caller& caller, const Attempt& attempt, const VerifyReport& report, Micros now) {
  const auto written = journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(end_attempt(session, attempt, "done", "", now));
    return lineage::Change{.kind = report.same ? "stage.verified" : "stage.differs",
                           .node = report.node,
                           .before = report.key,
                           .after = report.key,
                           .body = report.to_json()};
  });
  return written ? Result<void>{} : written.error();
}

}  // namespace millrace::pipeline
