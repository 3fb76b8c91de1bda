#include "api/front/open_connections.h"

#include <chrono>

#include "core/limits.h"

namespace millrace::api::front {

bool OpenConnections::enter() {
  const std::lock_guard lock(mutex_);
  if (draining_ || open_ >= limits::http_connections) return false;
  ++open_;
  return true;
}

void OpenConnections::leave() {
  const std::lock_guard lock(mutex_);
  if (--open_ == 0) emptied_.notify_all();
}

void OpenConnections::wait_for_none(Micros patience) {
  std::unique_lock lock(mutex_);
  emptied_.wait_for(lock, std::chrono::microseconds(patience), [this] { return open_ == 0; });
}

}  // namespace millrace::api::front
