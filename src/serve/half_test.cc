#include "serve/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace millrace::serve {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class T>
class EveryFloat16 : public ::testing::Test {};
using Kinds = ::testing::Types<Half, Brain>;
TYPED_TEST_SUITE(EveryFloat16, Kinds);

TYPED_TEST(EveryFloat16, each_bit_pattern_comes_back) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const TypeParam it{static_cast<uint16_t>(bits)};
    const double number = it.number();
    const TypeParam again = TypeParam::of(number);
    if (std::isnan(number))
      EXPECT_TRUE(std::isnan(again.number())) << bits;
    else
      EXPECT_EQ(again.bits, bits);
  }
}

TYPED_TEST(EveryFloat16, the_middle_of_two_neighbours_is_the_even_one_and_beside_it_the_nearer) {
  for (uint16_t bits = 0; std::isfinite(TypeParam{static_cast<uint16_t>(bits + 1)}.number()); ++bits) {
    const TypeParam low{bits}, high{static_cast<uint16_t>(bits + 1)};
    const double middle = (low.number() + high.number()) / 2;
    EXPECT_EQ(TypeParam::of(middle).bits, bits % 2 == 0 ? low.bits : high.bits);
    EXPECT_EQ(TypeParam::of(std::nextafter(middle, kInfinity)).bits, high.bits);
    EXPECT_EQ(TypeParam::of(std::nextafter(middle, 0)).bits, low.bits);
    EXPECT_EQ(TypeParam::of(-middle).bits, TypeParam::of(middle).bits | 0x8000);
  }
}

TEST(Brain, is_the_upper_half_of_a_binary32) {
  for (const float value : {1.0F, -2.5F, 0x1.fep127F, 0x1p-126F, 0x1p-133F, 0.0F, -0.0F})
    EXPECT_EQ(Brain::of(value).bits, std::bit_cast<uint32_t>(value) >> 16) << value;
}

TEST(Half, its_edges_are_those_of_ieee_754) {
  EXPECT_EQ(Half::of(1).bits, 0x3c00);
  EXPECT_EQ(Half::of(kLargestHalf).bits, 0x7bff);
  EXPECT_EQ(Half::of(65'519.99).bits, 0x7bff);
  EXPECT_EQ(Half::of(65'520).bits, 0x7c00);
  EXPECT_EQ(Half::of(-1e300).bits, 0xfc00);
  EXPECT_EQ(Half::of(0x1p-24).bits, 1);
  EXPECT_EQ(Half::of(0x1p-25).bits, 0);
  EXPECT_EQ(Half::of(-0.0).bits, 0x8000);
  EXPECT_EQ(Brain{0x7f7f}.number(), kLargestBrain);
  EXPECT_EQ(Brain::of(1e300).number(), kInfinity);
}

}  // namespace
}  // namespace millrace::serve
