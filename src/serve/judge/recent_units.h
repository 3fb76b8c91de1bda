// Which units have come lately: of a unit only its first request counts where a policy says count: units. A look-back
// of two generations, so that memory is bounded and nothing is searched: a unit is forgotten after between kMost and
// twice as many others. Not thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <utility>

namespace millrace::limits {

inline constexpr size_t judged_units = 100'000;  // in one generation

}  // namespace millrace::limits

namespace millrace::serve {

class RecentUnits {
 public:
  // True when it was not there, and from now on it is.
  bool add(uint64_t unit) {
    if (now_.contains(unit) || before_.contains(unit)) return false;
    if (now_.size() == limits::judged_units) before_ = std::exchange(now_, {});
    now_.insert(unit);
    return true;
  }

 private:
  std::unordered_set<uint64_t> now_, before_;
};

}  // namespace millrace::serve
