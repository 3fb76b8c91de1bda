// Chance for simulations: the same seed gives the same values on every machine.
#pragma once
#include <cstdint>

namespace millrace::stats::testing {

class Dice {
 public:
  // Streams of different seeds begin far apart.
  explicit Dice(uint64_t seed) : state_(mixed(seed)) {}
  // Uniform in [0, 1): SplitMix64 (Steele, Lea and Flood 2014).
  double uniform() {
    state_ += 0x9E3779B97F4A7C15u;
    return static_cast<double>(mixed(state_) >> 11) * 0x1p-53;
  }
  bool coin(double chance) { return uniform() < chance; }

 private:
  static uint64_t mixed(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

}  // namespace millrace::stats::testing
