#include "store/write_queue.h"

#include <chrono>

#include "core/limits.h"

namespace millrace::store {

void fail_all(const WriteGroup& group, const Error& error) {
  for (auto* each : group)
    if (each->outcome) each->outcome = error;
}

WriteQueue::WriteQueue(std::function<void(const WriteGroup&)> commit, Committer by)
    : commit_(std::move(commit)), by_(by), thread_([this] { commit_groups(); }) {}

WriteQueue::~WriteQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Result<void> WriteQueue::write(const Write& rows) {
  PendingWrite mine{.rows = &rows};
  {
    std::unique_lock lock(mutex_);
    if (committing_ && std::this_thread::get_id() == committer_)
      return Error{Code::internal, "a write may not start another write"};  // it would wait for itself
    if (stopping_) return Error{Code::unavailable, "the store is closing"};
    if (refused_) return *refused_;
    if (queue_.size() >= limits::write_queue)
      return Error{Code::unavailable, "too many writes are waiting"}.hint("try again in a moment");
    if (by_ == Committer::callers_too && !committing_ && queue_.empty()) return commit_alone(rows, lock);
    queue_.push_back(&mine);
    wake_.notify_one();
    done_.wait(lock, [&] { return mine.finished; });
  }
  return std::move(mine.outcome);
}

Result<void> WriteQueue::commit_alone(const Write& rows, std::unique_lock<std::mutex>& lock) {
  PendingWrite mine{.rows = &rows};
  committing_ = true;
  committer_ = std::this_thread::get_id();
  lock.unlock();
  commit_({&mine});
  lock.lock();
  committing_ = false;
  if (!queue_.empty() || stopping_) wake_.notify_all();
  return std::move(mine.outcome);
}

void WriteQueue::refuse(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    refused_ = error;
    for (auto* each : queue_) each->outcome = error, each->finished = true;
    queue_.clear();
  }
  done_.notify_all();
}

void WriteQueue::accept() {
  const std::lock_guard lock(mutex_);
  refused_.reset();
}

bool WriteQueue::pause(Micros at_most) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, std::chrono::microseconds(at_most), [&] { return stopping_; });
}

void WriteQueue::commit_groups() {
  while (true) {
    WriteGroup group;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return !committing_ && (stopping_ || !queue_.empty()); });
      if (queue_.empty()) return;
      group.assign(queue_.begin(), queue_.end());
      queue_.clear();
      committing_ = true;
      committer_ = std::this_thread::get_id();
    }
    commit_(group);
    {
      const std::lock_guard lock(mutex_);
      committing_ = false;
      for (auto* each : group) each->finished = true;
    }
    done_.notify_all();
  }
}

}  // namespace millrace::store
