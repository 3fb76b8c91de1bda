// How many different values there were, from a few kilobytes. Flajolet, Fusy, Gandouet and Meunier 2007,
// "HyperLogLog"; the estimator is Ertl's 2017, "New cardinality estimation algorithms for HyperLogLog sketches", which
// has no bias to be corrected at either end.
#pragma once
#include <array>
#include <bit>
#include <cstdint>

namespace millrace::stats {

class HyperLogLog {
 public:
  static constexpr int kBits = 12;
  static constexpr double kStandardError = 0.01625;  // 1.04 / sqrt(2^12), a share

  // `hash`: 64 bits that look random, equal for equal values.
  void add(uint64_t hash) {
    const auto at = static_cast<size_t>(hash >> (64 - kBits));
    const auto zeros = std::countl_zero(hash << kBits | uint64_t{1} << (kBits - 1)) + 1;
    if (registers_[at] < zeros) registers_[at] = static_cast<uint8_t>(zeros);
  }
  void merge(const HyperLogLog& other);
  double estimate() const;

 private:
  std::array<uint8_t, size_t{1} << kBits> registers_{};
};

// Spreads 64 bits over 64 bits, one to one (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
// generators", its finalizer).
inline uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace millrace::stats
