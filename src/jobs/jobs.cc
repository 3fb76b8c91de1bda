#include "jobs/jobs.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/limits.h"
#include "core/yaml.h"
#include "jobs/runner.h"
#include "jobs/table.h"
#include "store/writer.h"

namespace millrace::jobs {
namespace {

bool has_ended(const Job& job) { return job.state != "waiting" && job.state != "running"; }

Error no_job(const std::string& id) {
  return Error{Code::not_found, fmt::format("there is no job '{}'", id.substr(0, 100))}.hint(
      "list the jobs to see their ids");
}

Error unknown_kind(const std::string& kind, const std::map<std::string, Work>& works) {
  std::vector<std::string> known;
  for (const auto& [name, work] : works) known.push_back(name);
  const auto near = did_you_mean(kind, known);
  return Error{Code::invalid, fmt::format("there is no kind of job '{}'", kind.substr(0, 100))}.at_field("kind").hint(
      near ? fmt::format("did you mean '{}'?", *near) : fmt::format("known kinds: {}", fmt::join(known, ", ")));
}

lineage::Change job_change(std::string kind, const Record& record, std::string why = "") {
  return {.kind = std::move(kind),
          .node = "job:" + record.job.id,
          .before = "",
          .after = "",
          .why = std::move(why),
          .body = {{"kind", record.job.kind}, {"key", record.job.key}, {"payload", record.job.payload}}};
}

}  // namespace

struct Jobs::Parts {
  Parts(store::Database& database, lineage::Journal& journal, Context& context)
      : database(database), journal(journal), context(context), runner(database, journal, context) {}
  store::Database& database;
  lineage::Journal& journal;
  Context& context;
  Runner runner;

  Result<Record> load(const std::string& workspace, const std::string& id) const {
    std::optional<Record> found;
    MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(found, find_job(session, workspace, id));
      return {};
    }));
    if (!found) return no_job(id);
    return std::move(*found);
  }
};

Jobs::Jobs(store::Database& database, lineage::Journal& journal, Context& context)
    : parts_(std::make_unique<Parts>(database, journal, context)) {}
Jobs::~Jobs() = default;

void Jobs::add(std::string kind, Work work) { parts_->runner.add(std::move(kind), std::move(work)); }
Result<void> Jobs::free_leases() {
  return parts_->database.write(
      [taking = parts_->runner.taking()](store::Session& session) { return expire_leases(session, taking); });
}

void Jobs::on_end(std::function<void(const std::string&, const Job&)> tell) {
  parts_->runner.on_end = [parts = parts_.get(), tell = std::move(tell)](const auto& workspace, const auto& id) {
    if (auto record = parts->load(workspace, id); record)
      tell(workspace, record->job);
    else
      parts->context.log.warn("jobs.end_not_told", {{"job", id}, {"error", record.error().text()}});
  };
}
Result<void> Jobs::start(int workers) { return parts_->runner.start(workers); }
void Jobs::stop() { parts_->runner.stop(); }

Result<Job> Jobs::submit(const Caller& caller, const Spec& spec) {
  if (!parts_->runner.kinds().contains(spec.kind)) return unknown_kind(spec.kind, parts_->runner.kinds());
  if (spec.max_attempts < 1 || spec.max_attempts > static_cast<int>(limits::job_attempts))
    return Error{Code::invalid, fmt::format("{} attempts are not possible", spec.max_attempts)}
        .at_field("max_attempts")
        .hint(fmt::format("give 1 to {}", limits::job_attempts));
  Record record;
  record.workspace = caller.workspace;
  record.roles = caller.roles;
  record.max_attempts = spec.max_attempts;
  record.run_after = spec.run_after;
  record.stored_kind = store::own_name(parts_->database, spec.kind);
  record.job = {.id = parts_->context.uuid(),
                .kind = spec.kind,
                .key = spec.key,
                .state = "waiting",
                .payload = spec.payload,
                .result = nullptr,
                .progress = nullptr,
                .error = "",
                .attempts = 0,
                .subject = caller.subject};
  record.job.created_at = record.job.updated_at = parts_->context.now();
  MILLRACE_TRY(const auto sequence,
               parts_->journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
                 MILLRACE_TRY(auto active, find_active(session, caller.workspace, record.stored_kind, spec.key));
                 if (active) {
                   record = std::move(*active);
                   return lineage::Change{};
                 }
                 MILLRACE_TRY(const auto waiting, count_waiting(session));
                 if (waiting >= static_cast<int64_t>(limits::jobs_waiting))
                   return Error{Code::unavailable, fmt::format("{} jobs are waiting already", waiting)}.hint(
                       "try again when some have ended");
                 MILLRACE_DO(insert_job(session, record));
                 return job_change("job.submitted", record);
               }));
  if (sequence > 0) parts_->runner.wake();
  return std::move(record.job);
}

Result<Job> Jobs::get(const std::string& workspace, const std::string& id) const {
  MILLRACE_TRY(auto record, parts_->load(workspace, id));
  return std::move(record.job);
}

Result<std::optional<Job>> Jobs::find(const std::string& workspace, const std::string& kind,
                                      const std::string& key) const {
  std::optional<Record> record;
  MILLRACE_DO(parts_->database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(record, newest_with_key(session, workspace, store::own_name(parts_->database, kind), key));
    return {};
  }));
  return record ? std::optional(std::move(record->job)) : std::nullopt;
}

Result<std::vector<Job>> Jobs::list(const std::string& workspace, int64_t limit) const {
  std::vector<Record> records;
  const auto bounded = std::clamp<int64_t>(limit, 0, limits::page_size);
  MILLRACE_DO(parts_->database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(records, newest_jobs(session, workspace, bounded));
    return {};
  }));
  std::vector<Job> out;
  for (auto& record : records) out.push_back(std::move(record.job));
  return out;
}

Result<std::vector<LogLine>> Jobs::log_after(const std::string& workspace, const std::string& id, int64_t line) const {
  std::vector<LogLine> out;
  MILLRACE_DO(parts_->database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto job, find_job(session, workspace, id));
    if (!job) return no_job(id);
    MILLRACE_TRY(
        const auto rows,
        session.query("SELECT line, at, text FROM job_log WHERE workspace = ? AND job = ? AND line > ? ORDER BY line",
                      {workspace, id, line}));
    for (const auto& row : rows) out.push_back({.line = row.integer(0), .at = row.integer(1), .text = row.text(2)});
    return {};
  }));
  return out;
}

Result<void> Jobs::cancel(const Caller& caller, const std::string& id) {
  bool over = false;
  const auto rows = [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto record, find_job(session, caller.workspace, id));
    if (!record) return no_job(id);
    if (record->job.state == "cancelled" || (record->job.state == "running" && record->cancel))
      return lineage::Change{};
    if (has_ended(record->job))
      return Error{Code::conflict, fmt::format("the job '{}' has ended: {}", id, record->job.state)}.hint(
          "an ended job cannot be cancelled");
    over = record->job.state == "waiting";
    MILLRACE_TRY(const auto changed, session.execute("UPDATE jobs SET cancel = 1, state = CASE state WHEN 'waiting' "
                                                     "THEN 'cancelled' ELSE state END, updated_at = ? "
                                                     "WHERE workspace = ? AND id = ?",
                                                     {parts_->context.now(), caller.workspace, id}));
    (void)changed;
    return job_change(over ? "job.cancelled" : "job.cancel_asked", *record);
  };
  MILLRACE_TRY(const auto sequence, parts_->journal.write(caller, rows));
  (void)sequence;
  if (over)
    parts_->runner.ended(caller.workspace, id);
  else
    parts_->runner.ask_to_end(caller.workspace, id);
  return {};
}

Result<Job> Jobs::wait(const std::string& workspace, const std::string& id, Micros at_most) const {
  MILLRACE_DO(parts_->runner.wait(workspace, id, at_most, [&]() -> Result<bool> {
    MILLRACE_TRY(const auto record, parts_->load(workspace, id));
    return has_ended(record.job);
  }));
  return get(workspace, id);
}

}  // namespace millrace::jobs
