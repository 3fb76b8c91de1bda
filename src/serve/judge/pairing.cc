#include "serve/judge/pairing.h"

#include <algorithm>

namespace millrace::serve {
namespace {

constexpr size_t kSizes[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64};

size_t size_below(size_t count) { return *(std::upper_bound(std::begin(kSizes), std::end(kSizes), count) - 1); }

}  // namespace

Pairing::Pairing() {
  for (auto& arm : waiting_) arm.reserve(2 * kMost);
}

bool Pairing::add(const Observation& seen) {
  auto& own = waiting_[seen.canary ? 1 : 0];
  auto& other = waiting_[seen.canary ? 0 : 1];
  if (other.empty()) {
    if (own.size() == 2 * kMost) own.erase(own.begin(), own.begin() + kMost);
    own.push_back(seen);
    return false;
  }
  const size_t size = size_below(std::min(other.size(), kMost));
  auto& many = seen.canary ? stable_ : canary_;
  auto& single = seen.canary ? canary_ : stable_;
  many.assign(other.end() - static_cast<long>(size), other.end());
  single.assign(1, seen);
  other.clear();
  block_ = {.canary = canary_, .stable = stable_};
  return true;
}

}  // namespace millrace::serve
