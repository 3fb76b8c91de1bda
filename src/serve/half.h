// 16-bit floating point: FP16 (IEEE 754 binary16) and BF16 (the upper half of a binary32). Both are kept as their bits,
// as they lie in a tensor. Pure; every binary32 and binary64 rounds once, to the nearest, ties to even.
#pragma once
#include <cstdint>

namespace millrace::serve {

// Fraction: bits of the fraction. Lowest: exponent of the smallest normal number, which is 2^Lowest.
template <int Fraction, int Lowest>
struct Float16 {
  uint16_t bits = 0;

  static Float16 of(double value);  // beyond the largest finite number: an infinity of the same sign
  double number() const;            // exact
};

using Half = Float16<10, -14>;
using Brain = Float16<7, -126>;
inline constexpr double kLargestHalf = 65'504;
inline constexpr double kLargestBrain = 0x1.fep127;

}  // namespace millrace::serve
