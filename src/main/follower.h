// Watches the shared store for releases that other servers made, three times a second, so that all servers on it serve
// the same soon after.
#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/context.h"
#include "registry/registry.h"

namespace millrace {

class Follower {
 public:
  Follower(registry::Registry& registry, Context& context);
  ~Follower();

 private:
  void follow();

  registry::Registry& registry_;
  Context& context_;
  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace millrace
