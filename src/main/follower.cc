#include "main/follower.h"

namespace millrace {
namespace {

constexpr auto kEvery = std::chrono::milliseconds(300);

}  // namespace

Follower::Follower(registry::Registry& registry, Context& context)
    : registry_(registry), context_(context), thread_([this] { follow(); }) {}

Follower::~Follower() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

// What fails is said once, and tried again until it works: the store may be away, or files still be on their way.
void Follower::follow() {
  registry::Registry::Seen seen;
  std::string said;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kEvery, [&] { return stopping_; })) {
    lock.unlock();
    const auto taken = registry_.follow(seen);
    const std::string failing = taken ? "" : taken.error().text();
    if (failing != said && !failing.empty()) context_.log.warn("releases_not_followed", {{"error", failing}});
    if (failing != said && failing.empty()) context_.log.info("releases_followed_again");
    said = failing;
    lock.lock();
  }
}

}  // namespace millrace
