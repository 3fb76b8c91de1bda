// How many different values there were: exactly while they are few, from a sketch beyond.
#pragma once
#include <cstdint>
#include <vector>

#include "stats/hyperloglog.h"

namespace millrace::stats {

class DistinctCounter {
 public:
  static constexpr size_t kExactly = 10'000;

  // `hash` as HyperLogLog::add() takes it. Two values with one hash count as one.
  void add(uint64_t hash) {
    if (hash == last_ && any_) return;
    last_ = hash, any_ = true;
    if (exact_)
      remember(hash);
    else
      sketch_.add(hash);
  }
  bool exact() const { return exact_; }
  double standard_error() const { return exact_ ? 0 : HyperLogLog::kStandardError; }  // a share
  int64_t value() const;

 private:
  void remember(uint64_t hash);

  HyperLogLog sketch_;
  std::vector<uint64_t> slots_;  // 0 = free
  size_t used_ = 0;
  bool zero_ = false;  // a hash of 0 was seen
  bool exact_ = true, any_ = false;
  uint64_t last_ = 0;
};

}  // namespace millrace::stats
