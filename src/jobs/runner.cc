#include "jobs/runner.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include <fmt/format.h>

#include "core/error_json.h"
#include "core/fault.h"
#include "core/limits.h"
#include "jobs/attempt.h"
#include "store/writer.h"

namespace millrace::jobs {
namespace {

constexpr auto kPulse = std::chrono::milliseconds(100);  // how late a job that came due by time may be
constexpr Micros kLongestBackoff = 300 * kSecond;
constexpr size_t kErrorBytes = 16 << 10;

// Trying again cannot change the answer.
bool is_final(Code code) {
  switch (code) {
    case Code::invalid:
    case Code::rejected:
    case Code::unauthenticated:
    case Code::denied:
    case Code::too_large:
    case Code::unsupported: return true;
    default: return false;
  }
}

Micros backoff(int attempts) {
  Micros out = kSecond;
  for (int i = 1; i < attempts && out < kLongestBackoff; ++i) out *= 4;
  return std::min(out, kLongestBackoff);
}

// Settles and says so in the journal, unless the job waits again or is not ours any more.
Result<lineage::Change> settle_rows(store::Session& session, const Record& record, const Outcome& outcome, Micros now) {
  MILLRACE_TRY(const auto state, settle_job(session, record, outcome, now));
  if (!state || *state == "waiting") return lineage::Change{};
  return lineage::Change{.kind = "job.ended",
                         .node = "job:" + record.job.id,
                         .before = "",
                         .after = "",
                         .why = outcome.error,
                         .body = {{"kind", record.job.kind}, {"state", *state}, {"attempts", record.job.attempts}}};
}

// A work is other people's code and the edge of ours: what it throws ends the attempt, not the process.
Result<Json> call(const Work& work, Running& attempt) {
  try {
    return work(attempt);
  } catch (const std::exception& problem) {
    return Error{Code::internal, fmt::format("the work threw: {}", problem.what())};
  }
}

}  // namespace

Runner::Runner(store::Database& database, lineage::Journal& journal, Context& context)
    : database_(database), journal_(journal), context_(context), owner_(context.uuid()) {}

Runner::~Runner() { stop(); }

void Runner::add(std::string kind, Work work) { works_.insert_or_assign(std::move(kind), std::move(work)); }

Result<void> Runner::start(int workers) {
  if (workers < 1)
    return Error{Code::invalid, fmt::format("{} workers cannot run jobs", workers)}.hint("give at least 1");
  if (pulse_.joinable() || stopping_) return Error{Code::conflict, "the jobs were started before"};
  try {
    pulse_ = std::thread([this] { pulse(); });
    for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
  } catch (const std::system_error& problem) {
    stop();
    return Error{Code::unavailable, fmt::format("no thread for the jobs: {}", problem.what())}.hint(
        "give fewer workers");
  }
  return {};
}

void Runner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [name, attempt] : running_) attempt->stop();
    for (auto* waiter : waiters_) waiter->over = true;
  }
  work_.notify_all();
  over_.notify_all();
  for (auto& worker : workers_) worker.join();
  workers_.clear();
  {
    const std::lock_guard lock(mutex_);
    pulse_ends_ = true;  // only now: until here the leases of what still ran were kept
  }
  pulse_wake_.notify_all();
  if (pulse_.joinable()) pulse_.join();
}

void Runner::wake() {
  {
    const std::lock_guard lock(mutex_);
    ++signals_;
  }
  work_.notify_one();
}

void Runner::ask_to_end(const std::string& workspace, const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = running_.find(workspace + "/" + id); found != running_.end()) found->second->cancel();
}

void Runner::ended(const std::string& workspace, const std::string& id) {
  if (on_end) on_end(workspace, id);
  release_waiters(workspace + "/" + id);
}

void Runner::release_waiters(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    for (auto* waiter : waiters_)
      if (waiter->name == name) waiter->over = true;
  }
  over_.notify_all();
}

Result<void> Runner::wait(const std::string& workspace, const std::string& id, Micros at_most,
                          const std::function<Result<bool>()>& read) {
  Waiter mine{.name = workspace + "/" + id};
  std::list<Waiter*>::iterator place;
  {
    const std::lock_guard lock(mutex_);
    mine.over = stopping_;
    place = waiters_.insert(waiters_.end(), &mine);
  }
  auto over = read();
  std::unique_lock lock(mutex_);
  if (over && (!*over || running_.contains(mine.name)))  // its end is not told yet
    over_.wait_for(lock, std::chrono::microseconds(std::clamp<Micros>(at_most, 0, 86'400 * kSecond)),
                   [&] { return mine.over; });
  waiters_.erase(place);
  if (!over) return std::move(over).error();
  return {};
}

Taking Runner::taking() const {
  Taking out{.kinds = {}, .owner = owner_, .now = context_.now(), .held = {}};
  for (const auto& [kind, work] : works_) out.kinds.push_back(store::own_name(database_, kind));
  const std::lock_guard lock(mutex_);
  for (const auto& [name, attempt] : running_) out.held.insert(name);
  return out;
}

Result<std::optional<Record>> Runner::take() {
  std::optional<Record> record;
  const Taking wanted = taking();
  bool due = false;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(due, has_due(session, wanted));
    return {};
  }));
  if (!due) return record;  // looking is cheap; only taking is a write
  MILLRACE_DO(database_.write([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(record, take_job(session, wanted));
    return {};
  }));
  FAULT_POINT("jobs.taken");
  return record;
}

void Runner::work() {
  while (true) {
    uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      seen = signals_;
    }
    auto record = take();
    if (!record) context_.log.warn("jobs.not_taken", {{"error", record.error().text()}});
    if (record && *record) {
      run(std::move(**record));
      continue;
    }
    std::unique_lock lock(mutex_);
    work_.wait(lock, [&] { return stopping_ || signals_ != seen; });
  }
}

void Runner::run(Record record) {
  const auto attempt = std::make_shared<Attempt>(std::move(record), database_, context_);
  const std::string name = held_name(attempt->record());
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) attempt->stop();
    running_[name] = attempt;
  }
  if (attempt->record().cancel) attempt->cancel();
  const bool over = settle(*attempt, outcome_of(*attempt, call(works_.at(attempt->record().job.kind), *attempt)));
  if (over && on_end) on_end(attempt->record().workspace, attempt->record().job.id);
  {
    const std::lock_guard lock(mutex_);
    running_.erase(name);
  }
  if (over) release_waiters(name);
}

Outcome Runner::outcome_of(const Attempt& attempt, Result<Json> result) const {
  if (result) return {.state = "done", .result = std::move(*result), .error = ""};
  const auto& record = attempt.record();
  std::string text = result.error().text();
  if (text.size() > kErrorBytes) text.resize(kErrorBytes);
  if (attempt.was_cancelled()) return {.state = "cancelled", .result = nullptr, .error = std::move(text)};
  if (attempt.was_stopped())
    return {
        .state = "waiting", .result = nullptr, .error = std::move(text), .run_after = context_.now(), .counts = false};
  if (is_final(result.error().code()) || record.job.attempts >= record.max_attempts)
    return {.state = "failed", .result = {{"problem", to_json(result.error())}}, .error = std::move(text)};
  return {.state = "waiting",
          .result = nullptr,
          .error = std::move(text),
          .run_after = context_.now() + backoff(record.job.attempts)};
}

// What a job came to is kept trying until the store takes it: the work was done and must not be done twice.
bool Runner::settle(Attempt& attempt, const Outcome& outcome) {
  const auto& record = attempt.record();
  FAULT_POINT("jobs.settle.before");
  while (true) {
    const auto written = journal_.write(attempt.caller(), [&](store::Session& session) {
      return settle_rows(session, record, outcome, context_.now());
    });
    if (written) return *written > 0;  // only an end writes a line
    context_.log.warn("jobs.not_settled", {{"job", record.job.id}, {"error", written.error().text()}});
    std::unique_lock lock(mutex_);
    if (work_.wait_for(lock, kPulse, [&] { return stopping_; })) return false;  // after the lease another try decides
  }
}

void Runner::pulse() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (pulse_wake_.wait_for(lock, kPulse, [&] { return pulse_ends_; })) return;
    }
    keep_leases();
    look();
  }
}

void Runner::keep_leases() {
  std::vector<std::shared_ptr<Attempt>> attempts;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, attempt] : running_) attempts.push_back(attempt);
  }
  for (const auto& attempt : attempts) attempt->beat();
}

// Wakes the workers for what came due by time, closes what nobody may run again, and sees ends in other processes.
void Runner::look() {
  const Taking wanted = taking();
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const auto* waiter : waiters_)
      if (!running_.contains(waiter->name)) names.push_back(waiter->name);
  }
  bool due = false;
  std::vector<std::string> over;
  const auto looked = database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(due, has_due(session, wanted));
    for (const auto& name : names) {
      const auto slash = name.rfind('/');
      MILLRACE_TRY(const auto record, find_job(session, name.substr(0, slash), name.substr(slash + 1)));
      if (!record || (record->job.state != "waiting" && record->job.state != "running")) over.push_back(name);
    }
    return {};
  });
  if (!looked) return context_.log.warn("jobs.not_looked", {{"error", looked.error().text()}});
  if (due) {
    {
      const std::lock_guard lock(mutex_);
      ++signals_;
    }
    work_.notify_all();
  }
  for (const auto& name : over) release_waiters(name);
  bury(wanted);
}

void Runner::bury(const Taking& wanted) {
  std::vector<Record> dead;
  const auto looked = database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(dead, dead_jobs(session, wanted));
    return {};
  });
  if (!looked) return;
  for (const auto& record : dead) {
    const Outcome outcome =
        record.cancel
            ? Outcome{.state = "cancelled", .result = nullptr, .error = "it was cancelled and its owner ended"}
            : Outcome{.state = "failed",
                      .result = nullptr,
                      .error = fmt::format("its owner ended without a word in attempt {} of {}", record.job.attempts,
                                           record.max_attempts)};
    const auto written = journal_.write(record.caller(), [&](store::Session& session) {
      return settle_rows(session, record, outcome, context_.now());
    });
    if (!written) context_.log.warn("jobs.not_settled", {{"job", record.job.id}, {"error", written.error().text()}});
    if (written && *written > 0) ended(record.workspace, record.job.id);
  }
}

}  // namespace millrace::jobs
