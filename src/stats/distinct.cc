#include "stats/distinct.h"

#include <cmath>
#include <utility>

namespace millrace::stats {

void DistinctCounter::remember(uint64_t hash) {
  if (hash == 0) {
    zero_ = true;
    return;
  }
  if (2 * (used_ + 1) > slots_.size()) {
    std::vector<uint64_t> old(slots_.empty() ? 64 : 2 * slots_.size());
    std::swap(old, slots_);
    used_ = 0;
    for (const uint64_t one : old)
      if (one != 0) remember(one);
  }
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & mask;
  if (slots_[at] == hash) return;
  slots_[at] = hash;
  if (++used_ <= kExactly) return;
  exact_ = false;
  for (const uint64_t one : slots_)
    if (one != 0) sketch_.add(one);
  if (zero_) sketch_.add(0);
  slots_ = {};
}

int64_t DistinctCounter::value() const {
  return exact_ ? static_cast<int64_t>(used_) + (zero_ ? 1 : 0) : std::llround(sketch_.estimate());
}

}  // namespace millrace::stats
