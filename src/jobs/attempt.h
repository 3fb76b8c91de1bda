// One attempt at a job, as its work sees it.
#pragma once
#include <atomic>

#include "jobs/runner.h"

namespace millrace::jobs {

// log(), progress() and beat() may be called from several threads.
class Runner::Attempt final : public Running {
 public:
  Attempt(Record record, store::Database& database, Context& context);
  const Record& record() const { return record_; }

  const Job& job() const override { return record_.job; }
  const Caller& caller() const override { return caller_; }
  void log(std::string_view line) override;
  void progress(double share, std::string_view what) override;
  bool cancelled() const override { return cancel_ || lost_ || stopping_; }

  void beat();  // keeps the lease when a third of it has gone
  void cancel() { cancel_ = true; }
  void stop() { stopping_ = true; }
  bool was_cancelled() const { return cancel_; }
  bool was_stopped() const { return stopping_; }
  bool was_lost() const { return lost_; }

 private:
  void write(const std::function<Result<Beat>(store::Session&, Micros)>& rows);

  const Record record_;
  const Caller caller_;
  store::Database& database_;
  Context& context_;
  std::atomic<Micros> beaten_;
  std::atomic<bool> cancel_{false}, lost_{false}, stopping_{false};
};

}  // namespace millrace::jobs
