// Looks as durable jobs: kind `monitor.look`, one a deployment at a time. Whoever asks while one runs is served by it:
// it looks again until nobody has asked since it began.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "jobs/jobs.h"
#include "monitor/windows.h"

namespace millrace::monitor {

inline constexpr std::string_view kLookKind = "monitor.look";

// What to look at, and up to when.
struct LookRequest {
  std::string deployment;
  std::optional<Micros> to;  // none: the event clock, or now
  bool event_clock = false;  // `to` is how far event time has come: the deployment's event clock goes there
};

// Thread-safe.
class LookJob {
 public:
  struct Parts {
    Windows& windows;
    jobs::Jobs& jobs;
    Context& context;
    std::function<Result<Project>()> project;
  };
  explicit LookJob(Parts parts) : parts_(std::move(parts)) {}

  // not_found when the project does not watch the deployment; `invalid` for an event clock without a time, and for a
  // time that has not come.
  Result<jobs::Job> ask(const Caller& caller, const LookRequest& request);
  // The job's work. Payload: {deployment, to, clock: event | wall}. Result: a LookReport.
  Result<Json> work(jobs::Running& running);
  // Asks for every deployment that the project watches, lives in wall-clock time and is among `served`.
  void ask_all(const Caller& caller, const std::set<std::string>& served);

 private:
  struct Asked {
    uint64_t times = 0;
    Micros to = 0;
  };
  Asked asked(const std::string& key) const;

  const Parts parts_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Asked> asked_;
  std::set<std::string> ending_;  // jobs that will not look again
};

// The monitor of a deployment, or not_found with "did you mean".
Result<MonitorSpec> find_monitor(const Project& project, const std::string& deployment);

}  // namespace millrace::monitor
