// The durable queue: every piece of background work is a job with a lease, a heartbeat, retries, an idempotency key and
// a log. Any replica may run it; a job whose owner died is taken over when its lease runs out.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::jobs {

struct Spec {
  std::string kind;
  std::string key;  // the same kind and key while one is waiting or running is the same job; "" = none
  Json payload = Json::object();
  int max_attempts = 1;  // at most limits::job_attempts
  Micros run_after = 0;  // wall time; 0 = at once
};

struct Job {
  std::string id, kind, key, state;  // state: waiting, running, done, failed, cancelled
  Json payload, result, progress;
  std::string error;
  int attempts = 0;
  std::string subject;
  Micros created_at = 0, updated_at = 0;
};

// What a running job may do. log() and progress() are durable and also beat the lease.
class Running {
 public:
  virtual ~Running() = default;
  virtual const Job& job() const = 0;
  virtual const Caller& caller() const = 0;
  virtual void log(std::string_view line) = 0;
  virtual void progress(double share, std::string_view what) = 0;  // share in [0, 1]
  virtual bool cancelled() const = 0;  // also true when the lease was lost or the server stops
};

// An error that another try may change (unavailable, timeout, conflict, not_found, corrupt, internal) is tried again
// with backoff while attempts are left. A work that sees cancelled() should return any error soon.
using Work = std::function<Result<Json>(Running&)>;

struct LogLine {
  int64_t line = 0;
  Micros at = 0;
  std::string text;
};

// Thread-safe. add() all kinds before start(); start() and stop() once each.
// Submitting, ending and cancelling write a journal line (job.submitted, job.ended, job.cancelled, job.cancel_asked);
// log lines and progress do not.
class Jobs {
 public:
  Jobs(store::Database& database, lineage::Journal& journal, Context& context);
  ~Jobs();
  void add(std::string kind, Work work);
  // Frees what a dead process still holds, so that nobody waits for its leases to run out. Before start(), and only by
  // a process that knows itself to be the one that runs jobs: it holds the state folder's lock.
  Result<void> free_leases();
  // Called after a job has ended in this process (done, failed or cancelled); those who wait for one that ran here go
  // on after it. It may use the jobs but not wait for one. An end that was written in the moment of a crash is not
  // told: read the jobs again at start. Set before start().
  void on_end(std::function<void(const std::string& workspace, const Job& job)> tell);
  Result<void> start(int workers);
  // Asks running jobs to end and waits for them; what did not finish waits again, the attempt not counted.
  void stop();

  // `invalid` for a kind that was not added, `unavailable` over limits::jobs_waiting.
  Result<Job> submit(const Caller& caller, const Spec& spec);
  Result<Job> get(const std::string& workspace, const std::string& id) const;
  // The newest job of this kind and key, whatever its state.
  Result<std::optional<Job>> find(const std::string& workspace, const std::string& kind, const std::string& key) const;
  Result<std::vector<Job>> list(const std::string& workspace,
                                int64_t limit) const;  // newest first, at most limits::page_size
  // The log is bounded by limits::job_log_bytes (a line costs 64 bytes and its text); its last line says when it is
  // full.
  Result<std::vector<LogLine>> log_after(const std::string& workspace, const std::string& id, int64_t line) const;
  // A waiting job ends at once, a running one is asked to; again is fine; `conflict` when it is done or failed.
  Result<void> cancel(const Caller& caller, const std::string& id);
  Result<Job> wait(const std::string& workspace, const std::string& id,
                   Micros at_most) const;  // returns early when it ends

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::jobs
