// The threads that run jobs: workers take leases and work; one pulse thread keeps the leases and looks for what came
// due.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "jobs/table.h"

namespace millrace::jobs {

// Thread-safe. add() before start(); start() once; stop() once, also by the destructor.
class Runner {
 public:
  Runner(store::Database& database, lineage::Journal& journal, Context& context);
  ~Runner();
  void add(std::string kind, Work work);
  const std::map<std::string, Work>& kinds() const { return works_; }
  Result<void> start(int workers);
  Taking taking() const;
  void stop();

  void wake();                                                                      // a job may have come due
  void ask_to_end(const std::string& workspace, const std::string& id);             // if it runs here
  void ended(const std::string& workspace, const std::string& id);                  // for those who wait for it
  std::function<void(const std::string& workspace, const std::string& id)> on_end;  // set before start()

  // Blocks until ended() for this job, stop(), or `at_most` of real time. `read` answers whether it has ended already;
  // it is asked after the wait is registered, so that no end is missed.
  Result<void> wait(const std::string& workspace, const std::string& id, Micros at_most,
                    const std::function<Result<bool>()>& read);

 private:
  class Attempt;
  struct Waiter {
    std::string name;
    bool over = false;
  };

  void work();
  void pulse();
  void look();
  void keep_leases();
  void bury(const Taking& taking);
  Result<std::optional<Record>> take();
  void run(Record record);
  Outcome outcome_of(const Attempt& attempt, Result<Json> result) const;
  bool settle(Attempt& attempt, const Outcome& outcome);  // true when the job has ended with it
  void release_waiters(const std::string& name);

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
  std::string owner_;
  std::map<std::string, Work> works_;  // fixed after start()
  std::vector<std::thread> workers_;
  std::thread pulse_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable work_, pulse_wake_, over_;
  bool stopping_ = false;    // workers end
  bool pulse_ends_ = false;  // after the workers have
  uint64_t signals_ = 0;
  std::map<std::string, std::shared_ptr<Attempt>> running_;
  std::list<Waiter*> waiters_;
};

}  // namespace millrace::jobs
