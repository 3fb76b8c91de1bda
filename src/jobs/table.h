// The rows of the queue. Free functions over a session: what they do together is one transaction.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jobs/jobs.h"

namespace millrace::jobs {

inline constexpr Micros kSecond = 1'000'000;
inline constexpr Micros kLease = 30 * kSecond;

struct Record {
  std::string workspace;
  Job job;
  std::string stored_kind;  // store::own_name: only a process with the same files runs it
  std::vector<std::string> roles;
  int max_attempts = 1;
  Micros run_after = 0;
  bool cancel = false;
  std::string lease;  // names one attempt of one owner; whoever does not hold it may not write

  Caller caller() const;  // the one who submitted, through the queue
};

// What an attempt came to. A job that goes back to waiting has run_after and keeps its error.
struct Outcome {
  std::string state;
  Json result;
  std::string error;
  Micros run_after = 0;
  bool counts = true;  // false: the attempt was cut short by us and is not held against the job
};

Result<std::optional<Record>> find_job(store::Session&, const std::string& workspace, const std::string& id);
Result<std::optional<Record>> find_active(store::Session&, const std::string& workspace, const std::string& kind,
                                          const std::string& key);
Result<std::optional<Record>> newest_with_key(store::Session&, const std::string& workspace, const std::string& kind,
                                              const std::string& key);
Result<std::vector<Record>> newest_jobs(store::Session&, const std::string& workspace, int64_t limit);
Result<int64_t> count_waiting(store::Session&);
Result<void> insert_job(store::Session&, const Record&);

// Takes the next job that is due: one that waits, or one whose lease ran out. `held` are those that this process
// still works on ("workspace/id"), which it never takes from itself.
struct Taking {
  std::vector<std::string> kinds;
  std::string owner;
  Micros now = 0;
  std::set<std::string> held;
};
Result<bool> has_due(store::Session&, const Taking&);
Result<std::optional<Record>> take_job(store::Session&, const Taking&);
// Running jobs whose lease ran out and that may not run again: cancelled, or out of attempts.
Result<std::vector<Record>> dead_jobs(store::Session&, const Taking&);

Result<void> expire_leases(store::Session&, const Taking&);  // of every running job of these kinds

// The following three change the job only while `record.lease` holds.
// Answers the new state, which is `cancelled` where a cancelled job would have waited again; nothing = the lease was
// lost.
Result<std::optional<std::string>> settle_job(store::Session&, const Record& record, const Outcome& outcome,
                                              Micros now);
struct Beat {
  bool held = false;
  bool cancel = false;
};
Result<Beat> beat_job(store::Session&, const Record& record, Micros now, const Json* progress = nullptr);
Result<Beat> add_log(store::Session&, const Record& record, std::string_view text, Micros now);

std::string held_name(const Record&);

}  // namespace millrace::jobs
