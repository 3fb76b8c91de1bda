#include "main/keeper.h"

#include <chrono>

namespace millrace {
namespace {

constexpr auto kCheckpointEvery = std::chrono::seconds(5);
constexpr Micros kSealEvery = 3'600'000'000;

}  // namespace

Keeper::Keeper(lineage::Journal& journal, api::Sessions& sessions, Context& context, std::function<void()> seal)
    : journal_(journal), sessions_(sessions), context_(context), seal_(std::move(seal)), thread_([this] { keep(); }) {}

Keeper::~Keeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  note();
}

void Keeper::keep() {
  Micros sealed = context_.clock.steady() - kSealEvery;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kCheckpointEvery, [&] { return stopping_; })) {
    lock.unlock();
    note();
    if (context_.clock.steady() - sealed >= kSealEvery) {
      sealed = context_.clock.steady();
      seal_();
    }
    lock.lock();
  }
}

void Keeper::note() {
  if (auto done = journal_.checkpoint(); !done)
    context_.log.warn("checkpoint_failed", {{"error", done.error().text()}});
  if (auto done = sessions_.keep(); !done) context_.log.warn("sessions_not_kept", {{"error", done.error().text()}});
}

}  // namespace millrace
