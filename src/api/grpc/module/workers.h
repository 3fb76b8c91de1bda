// A fixed number of threads that run tasks in the order of their arrival. Thread-safe.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace millrace::api::rpc {

class Workers {
 public:
  Workers(int threads, size_t waiting);
  ~Workers() { finish(); }
  void finish();                          // runs what waits; takes nothing more
  bool post(std::function<void()> task);  // false: too many wait

 private:
  void work();

  const size_t limit_;
  std::mutex mutex_;  // guards the next two
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
};

}  // namespace millrace::api::rpc
