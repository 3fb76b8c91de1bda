#include "serve/half.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::serve {
namespace {

constexpr uint16_t kSign = 0x8000;

constexpr uint16_t infinity_bits(int fraction) { return static_cast<uint16_t>(0x7fff >> fraction << fraction); }

}  // namespace

template <int Fraction, int Lowest>
Float16<Fraction, Lowest> Float16<Fraction, Lowest>::of(double value) {
  constexpr uint32_t infinite = infinity_bits(Fraction);
  const uint16_t sign = std::signbit(value) ? kSign : 0;
  uint32_t out = 0;
  if (std::isnan(value)) {
    out = infinite | 1U << (Fraction - 1);
  } else if (std::isinf(value)) {
    out = infinite;
  } else if (value != 0) {
    int exponent = 0;
    std::frexp(value, &exponent);  // |value| is in [2^(exponent - 1), 2^exponent)
    const int lead = std::max(exponent - 1, Lowest);
    // Counted in units of the last place; a carry out of the fraction steps the exponent, up to the infinity.
    const auto units = static_cast<uint32_t>(std::nearbyint(std::ldexp(std::fabs(value), Fraction - lead)));
    const int steps = std::min(lead - Lowest, 1 << (15 - Fraction));
    out = std::min((static_cast<uint32_t>(steps) << Fraction) + units, infinite);
  }
  return {static_cast<uint16_t>(sign | out)};
}

template <int Fraction, int Lowest>
double Float16<Fraction, Lowest>::number() const {
  constexpr uint16_t infinite = infinity_bits(Fraction);
  const uint16_t size = bits & ~kSign;
  const int exponent = size >> Fraction;
  const int fraction = size & ((1 << Fraction) - 1);
  double out = 0;
  if (size > infinite)
    out = std::numeric_limits<double>::quiet_NaN();
  else if (size == infinite)
    out = std::numeric_limits<double>::infinity();
  else
    out = std::ldexp(exponent == 0 ? fraction : fraction + (1 << Fraction),
                     std::max(exponent, 1) - 1 + Lowest - Fraction);
  return (bits & kSign) != 0 ? -out : out;
}

template struct Float16<10, -14>;
template struct Float16<7, -126>;

}  // namespace millrace::serve
