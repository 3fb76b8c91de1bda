#include "jobs/table.h"

#include <fmt/format.h>

#include "core/limits.h"
#include "store/writer.h"

namespace millrace::jobs {
namespace {

using store::Session;
using store::Value;
using store::Values;

constexpr std::string_view kColumns =
    "workspace, id, kind, key, state, payload, result, error, attempts, max_attempts, lease_owner, cancel, progress, "
    "subject, roles, created_at, updated_at";
constexpr size_t kLineCost = 64;  // of a row beside its text, so that empty lines are bounded too

Json stored_json(const std::string& text) {
  auto value = parse_json(text, "jobs");
  return value ? std::move(*value) : Json();
}

Record to_record(const store::Row& row) {
  Record out;
  out.workspace = row.text(0);
  out.job.id = row.text(1);
  out.stored_kind = row.text(2);
  out.job.kind = store::plain_name(out.stored_kind);
  out.job.key = row.text(3);
  out.job.state = row.text(4);
  out.job.payload = stored_json(row.text(5));
  out.job.result = stored_json(row.text(6));
  out.job.error = row.text(7);
  out.job.attempts = static_cast<int>(row.integer(8));
  out.max_attempts = static_cast<int>(row.integer(9));
  out.lease = row.text(10);
  out.cancel = row.integer(11) != 0;
  out.job.progress = stored_json(row.text(12));
  out.job.subject = row.text(13);
  if (const Json roles = stored_json(row.text(14)); roles.is_array())
    for (const auto& role : roles)
      if (role.is_string()) out.roles.push_back(role.get<std::string>());
  out.job.created_at = row.integer(15);
  out.job.updated_at = row.integer(16);
  return out;
}

Result<std::optional<Record>> one(Session& session, std::string_view rest, const Values& values) {
  MILLRACE_TRY(const auto row, session.first(fmt::format("SELECT {} FROM jobs {}", kColumns, rest), values));
  return row ? std::optional<Record>(to_record(*row)) : std::nullopt;
}

Result<std::vector<Record>> many(Session& session, std::string_view rest, const Values& values) {
  MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT {} FROM jobs {}", kColumns, rest), values));
  std::vector<Record> out;
  for (const auto& row : rows) out.push_back(to_record(row));
  return out;
}

// "kind IN (?, ?)" and its values behind `first`.
std::string kinds_clause(const Taking& taking, Values& values) {
  if (taking.kinds.empty()) return "1 = 0";
  std::string marks;
  for (const auto& kind : taking.kinds) {
    marks += marks.empty() ? "?" : ", ?";
    values.emplace_back(kind);
  }
  return "kind IN (" + marks + ")";
}

Result<std::optional<Record>> first_free(Session& session, const Taking& taking, std::string_view where,
                                         Values values) {
  const std::string kinds = kinds_clause(taking, values);
  values.emplace_back(static_cast<int64_t>(taking.held.size() + 1));
  MILLRACE_TRY(auto records,
               many(session, fmt::format("WHERE {} AND {} ORDER BY run_after, id LIMIT ?", where, kinds), values));
  for (auto& record : records)
    if (!taking.held.contains(held_name(record))) return std::optional<Record>(std::move(record));
  return std::optional<Record>{};
}

Result<std::optional<Record>> next_due(Session& session, const Taking& taking) {
  MILLRACE_TRY(
      auto orphan,
      first_free(session, taking, "state = 'running' AND lease_until < ? AND attempts < max_attempts AND cancel = 0",
                 {taking.now}));
  if (orphan) return orphan;
  return first_free(session, taking, "state = 'waiting' AND run_after <= ?", {taking.now});
}

}  // namespace

Caller Record::caller() const {
  return {.workspace = workspace, .subject = job.subject, .roles = roles, .via = "job", .request_id = job.id};
}

std::string held_name(const Record& record) { return record.workspace + "/" + record.job.id; }

Result<std::optional<Record>> find_job(Session& session, const std::string& workspace, const std::string& id) {
  return one(session, "WHERE workspace = ? AND id = ?", {workspace, id});
}

Result<std::optional<Record>> find_active(Session& session, const std::string& workspace, const std::string& kind,
                                          const std::string& key) {
  return one(session, "WHERE workspace = ? AND kind = ? AND key = ? AND key <> '' AND state IN ('waiting', 'running')",
             {workspace, kind, key});
}

Result<std::optional<Record>> newest_with_key(Session& session, const std::string& workspace, const std::string& kind,
                                              const std::string& key) {
  return one(session, "WHERE workspace = ? AND kind = ? AND key = ? ORDER BY created_at DESC, id DESC LIMIT 1",
             {workspace, kind, key});
}

Result<std::vector<Record>> newest_jobs(Session& session, const std::string& workspace, int64_t limit) {
  return many(session, "WHERE workspace = ? ORDER BY created_at DESC, id DESC LIMIT ?", {workspace, limit});
}

Result<int64_t> count_waiting(Session& session) {
  MILLRACE_TRY(const auto row, session.first("SELECT count(*) FROM jobs WHERE state = 'waiting'"));
  return row ? row->integer(0) : 0;
}

Result<void> insert_job(Session& session, const Record& record) {
  const auto& job = record.job;
  const Micros run_after = std::max(job.created_at, record.run_after);
  MILLRACE_TRY(
      const auto done,
      session.execute(
          "INSERT INTO jobs (workspace, id, kind, key, state, payload, result, error, attempts, max_attempts, "
          "run_after, "
          "lease_owner, lease_until, cancel, progress, log_lines, log_bytes, subject, roles, created_at, updated_at) "
          "VALUES (?, ?, ?, ?, 'waiting', ?, 'null', '', 0, ?, ?, '', 0, 0, 'null', 0, 0, ?, ?, ?, ?)",
          {record.workspace, job.id, record.stored_kind, job.key, to_text(job.payload), int64_t{record.max_attempts},
           run_after, job.subject, to_text(Json(record.roles)), job.created_at, job.created_at}));
  (void)done;
  return {};
}

Result<bool> has_due(Session& session, const Taking& taking) {
  MILLRACE_TRY(const auto record, next_due(session, taking));
  return record.has_value();
}

Result<std::optional<Record>> take_job(Session& session, const Taking& taking) {
  MILLRACE_TRY(auto record, next_due(session, taking));
  if (!record) return record;
  record->job.state = "running";
  record->job.attempts += 1;
  record->job.updated_at = taking.now;
  record->lease = fmt::format("{}:{}", taking.owner, record->job.attempts);
  MILLRACE_TRY(const auto done,
               session.execute(
                   "UPDATE jobs SET state = 'running', attempts = ?, lease_owner = ?, lease_until = ?, updated_at = ? "
                   "WHERE workspace = ? AND id = ?",
                   {int64_t{record->job.attempts}, record->lease, taking.now + kLease, taking.now, record->workspace,
                    record->job.id}));
  (void)done;
  return record;
}

Result<std::vector<Record>> dead_jobs(Session& session, const Taking& taking) {
  MILLRACE_TRY(auto records,
               many(session,
                    "WHERE state = 'running' AND lease_until < ? AND (attempts >= max_attempts OR cancel = 1) "
                    "ORDER BY run_after, id LIMIT 100",
                    {taking.now}));
  std::erase_if(records, [&](const Record& record) { return taking.held.contains(held_name(record)); });
  return records;
}

Result<void> expire_leases(Session& session, const Taking& taking) {
  Values values;
  const auto kinds = kinds_clause(taking, values);
  MILLRACE_TRY(const auto freed,
               session.execute("UPDATE jobs SET lease_until = 0 WHERE state = 'running' AND " + kinds, values));
  (void)freed;
  return {};
}

Result<std::optional<std::string>> settle_job(Session& session, const Record& record, const Outcome& outcome,
                                              Micros now) {
  MILLRACE_TRY(const auto row,
               session.first("UPDATE jobs SET state = CASE WHEN cancel = 1 AND ? = 'waiting' THEN 'cancelled' ELSE ? "
                             "END, result = ?, error = ?, run_after = ?, attempts = attempts - ?, lease_owner = '', "
                             "lease_until = 0, updated_at = ? WHERE workspace = ? AND id = ? AND state = 'running' AND "
                             "lease_owner = ? RETURNING state",
                             {outcome.state, outcome.state, to_text(outcome.result), outcome.error, outcome.run_after,
                              int64_t{outcome.counts ? 0 : 1}, now, record.workspace, record.job.id, record.lease}));
  return row ? std::optional(row->text(0)) : std::nullopt;
}

Result<Beat> beat_job(Session& session, const Record& record, Micros now, const Json* progress) {
  MILLRACE_TRY(
      const auto row,
      session.first("UPDATE jobs SET lease_until = ?, updated_at = ?, progress = coalesce(?, progress) "
                    "WHERE workspace = ? AND id = ? AND state = 'running' AND lease_owner = ? RETURNING cancel",
                    {now + kLease, now, progress != nullptr ? Value(to_text(*progress)) : Value(nullptr),
                     record.workspace, record.job.id, record.lease}));
  return row ? Beat{.held = true, .cancel = row->integer(0) != 0} : Beat{};
}

Result<Beat> add_log(Session& session, const Record& record, std::string_view text, Micros now) {
  MILLRACE_TRY(const auto beat, beat_job(session, record, now));
  if (!beat.held) return beat;
  MILLRACE_TRY(const auto row, session.first("SELECT log_lines, log_bytes FROM jobs WHERE workspace = ? AND id = ?",
                                             {record.workspace, record.job.id}));
  const auto limit = static_cast<int64_t>(limits::job_log_bytes);
  const int64_t lines = row->integer(0) + 1;
  int64_t bytes = row->integer(1);
  if (bytes > limit) return beat;  // the last line says so
  bytes += static_cast<int64_t>(text.size() + kLineCost);
  const std::string kept =
      bytes > limit ? fmt::format("(the log is full at {} bytes: later lines are not kept)", limit) : std::string(text);
  MILLRACE_TRY(const auto counted,
               session.execute("UPDATE jobs SET log_lines = ?, log_bytes = ? WHERE workspace = ? AND id = ?",
                               {lines, bytes, record.workspace, record.job.id}));
  MILLRACE_TRY(const auto added,
               session.execute("INSERT INTO job_log (workspace, job, line, at, text) VALUES (?, ?, ?, ?, ?)",
                               {record.workspace, record.job.id, lines, now, kept}));
  (void)counted, (void)added;
  return beat;
}

}  // namespace millrace::jobs
