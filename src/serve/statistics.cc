#include "serve/statistics.h"

#include <algorithm>

namespace millrace::serve {

// Open addressing: a size's slot is the first of its own or free one from where the size points.
void BatchSizes::add(uint64_t size, const RunTimes& us) {
  for (size_t step = 0; step < kSizes; ++step) {
    Slot& slot = slots_[(size + step) % kSizes];
    uint64_t held = slot.size.load(std::memory_order_relaxed);
    if (held == 0 && slot.size.compare_exchange_strong(held, size, std::memory_order_relaxed)) held = size;
    if (held != size) continue;
    slot.count.fetch_add(1, std::memory_order_relaxed);
    slot.guard_us.fetch_add(us.guard_us, std::memory_order_relaxed);
    slot.infer_us.fetch_add(us.infer_us, std::memory_order_relaxed);
    slot.log_us.fetch_add(us.log_us, std::memory_order_relaxed);
    return;
  }
}

std::vector<BatchSizes::Batch> BatchSizes::all() const {
  std::vector<Batch> out;
  for (const auto& slot : slots_)
    if (slot.count > 0)
      out.push_back(
          {slot.size, slot.count, {.guard_us = slot.guard_us, .infer_us = slot.infer_us, .log_us = slot.log_us}});
  std::sort(out.begin(), out.end(), [](const Batch& a, const Batch& b) { return a.size < b.size; });
  return out;
}

void Statistics::fail(Failure why, uint64_t us) {
  ++failure;
  ++failures[static_cast<size_t>(why)];
  failed_us += us;
}

void Statistics::refuse(const std::string& field, const std::string& rule) {
  const std::lock_guard lock(mutex_);
  ++refusals_[{field, rule}];
}

void Statistics::flag(const std::string& field, const std::string& rule) {
  const std::lock_guard lock(mutex_);
  ++flags_[{field, rule}];
}

RuleCounts Statistics::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

RuleCounts Statistics::flags() const {
  const std::lock_guard lock(mutex_);
  return flags_;
}

std::shared_ptr<Statistics> StatisticsByArm::of(const ArmLabel& label) {
  const std::lock_guard lock(mutex_);
  auto& entry = arms_[label];
  if (!entry) entry = std::make_shared<Statistics>();
  return entry;
}

std::map<ArmLabel, std::shared_ptr<Statistics>> StatisticsByArm::all() const {
  const std::lock_guard lock(mutex_);
  return arms_;
}

}  // namespace millrace::serve
