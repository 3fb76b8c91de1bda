#include "serve/statistics.h"

namespace millrace::serve {

void Statistics::refuse(const std::string& field, const std::string& rule) {
  const std::lock_guard lock(mutex_);
  ++refusals_[{field, rule}];
}

std::map<std::pair<std::string, std::string>, uint64_t> Statistics::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
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
