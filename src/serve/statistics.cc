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

std::shared_ptr<Statistics> StatisticsByVersion::of(const std::string& version) {
  const std::lock_guard lock(mutex_);
  auto& entry = versions_[version];
  if (!entry) entry = std::make_shared<Statistics>();
  return entry;
}

std::map<std::string, std::shared_ptr<Statistics>> StatisticsByVersion::all() const {
  const std::lock_guard lock(mutex_);
  return versions_;
}

}  // namespace millrace::serve
