// The writes of one process, in one row: one thread takes whatever waits when it comes round and commits it as a group,
// so that many callers share one flush. Where a commit is soon done, a caller that finds nobody before it commits its
// own write itself, which spares it two changes of threads.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "store/database.h"

namespace millrace::store {

struct PendingWrite {
  const Write* rows = nullptr;
  Result<void> outcome{};
  bool finished = false;
};
using WriteGroup = std::vector<PendingWrite*>;

// Gives every write of the group that has no error of its own this one.
void fail_all(const WriteGroup& group, const Error& error);

enum class Committer { own_thread, callers_too };

// Thread-safe. `commit` runs in one thread at a time, in the queue's own unless `by` says otherwise, and leaves each
// write's outcome in its place. The destructor commits what still waits.
class WriteQueue {
 public:
  explicit WriteQueue(std::function<void(const WriteGroup&)> commit, Committer by = Committer::own_thread);
  ~WriteQueue();
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  // Returns after the group's commit; `unavailable` when limits::write_queue wait already.
  Result<void> write(const Write& rows);
  // Answers what waits with `error`, and what comes with it too, until accept(). For `commit` alone.
  void refuse(const Error& error);
  void accept();
  // For `commit` alone: waits so long, or less when the queue is closing; true when it is.
  bool pause(Micros at_most);

 private:
  void commit_groups();
  Result<void> commit_alone(const Write& rows, std::unique_lock<std::mutex>& lock);

  std::function<void(const WriteGroup&)> commit_;
  const Committer by_;
  std::mutex mutex_;  // guards what follows and every PendingWrite::finished
  std::condition_variable wake_, done_;
  std::deque<PendingWrite*> queue_;
  std::optional<Error> refused_;
  bool stopping_ = false;
  bool committing_ = false;    // in whatever thread
  std::thread::id committer_;  // which one
  std::thread thread_;
};

}  // namespace millrace::store
