// The durable queue: every piece of background work is a job with a lease, a heartbeat, retries, an idempotency key and a log.
// Any replica may run it; a job whose owner died is taken over when its lease runs out.
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::jobs {

struct Spec {
  std::string kind;
  std::string key;                 // the same kind and key while one is waiting or running is the same job; "" = none
  Json payload = Json::object();
  int max_attempts = 1;
  Micros run_after = 0;
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
  virtual bool cancelled() const = 0;                              // also true when the lease was lost or the server stops
};

using Work = std::function<Result<Json>(Running&)>;

struct LogLine {
  int64_t line = 0;
  Micros at = 0;
  std::string text;
};

// Thread-safe. add() all kinds before start().
class Jobs {
 public:
  Jobs(store::Database& database, lineage::Journal& journal, Context& context);
  ~Jobs();
  void add(std::string kind, Work work);
  Result<void> start(int workers);
  void stop();  // asks running jobs to end, waits; what did not finish is waiting again after its lease

  Result<Job> submit(const Caller& caller, const Spec& spec);
  Result<Job> get(const std::string& workspace, const std::string& id) const;
  Result<std::vector<Job>> list(const std::string& workspace, int64_t limit) const;
  Result<std::vector<LogLine>> log_after(const std::string& workspace, const std::string& id, int64_t line) const;
  Result<void> cancel(const Caller& caller, const std::string& id);
  Result<Job> wait(const std::string& workspace, const std::string& id, Micros at_most) const;  // returns early when it ends

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::jobs
