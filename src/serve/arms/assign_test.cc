#include "serve/arms/assign.h"

#include <gtest/gtest.h>

#include <cmath>

namespace millrace::serve {
namespace {

constexpr int kUnits = 20'000;

std::string unit(int number) { return "N" + std::to_string(number); }

int taken(std::string_view salt, double share) {
  int count = 0;
  for (int i = 0; i < kUnits; ++i) count += takes(share, bucket_of(salt, unit(i))) ? 1 : 0;
  return count;
}

// From Python: int.from_bytes(hashlib.sha256(b"salt:N1").digest()[:8], "big")
TEST(Assign, gives_what_any_other_program_computes) {
  EXPECT_EQ(bucket_of("salt", "N1"), 845926073818759475U);
  EXPECT_EQ(bucket_of("", ""), 16693726192583184368U);
}

// Five standard deviations of a binomial: a fair hash falls outside once in 1.7 million.
TEST(Assign, the_share_of_units_is_the_share_asked_for) {
  for (const char* salt : {"a", "0123456789abcdef", "another"})
    for (const double share : {0.01, 0.1, 0.25, 0.5, 0.9}) {
      const double bound = 5 * std::sqrt(kUnits * share * (1 - share));
      EXPECT_NEAR(taken(salt, share), kUnits * share, bound) << salt << " " << share;
    }
}

TEST(Assign, a_higher_share_keeps_everybody_who_was_in) {
  for (int i = 0; i < kUnits; ++i) {
    const auto bucket = bucket_of("salt", unit(i));
    bool in = false;
    for (const double share : {0.0, 0.001, 0.05, 0.2, 0.21, 0.999, 1.0}) {
      EXPECT_TRUE(!in || takes(share, bucket)) << unit(i) << " left at " << share;
      in = takes(share, bucket);
    }
    EXPECT_TRUE(in);
    EXPECT_FALSE(takes(0, bucket));
  }
}

TEST(Assign, the_ends_of_the_range_are_exact) {
  EXPECT_FALSE(takes(0, 0));
  EXPECT_TRUE(takes(1e-300, 0));
  EXPECT_TRUE(takes(1, ~uint64_t{0}));
  EXPECT_FALSE(takes(std::nextafter(1.0, 0.0), ~uint64_t{0}));
  EXPECT_FALSE(takes(0.5, uint64_t{1} << 63));
  EXPECT_TRUE(takes(0.5, (uint64_t{1} << 63) - (uint64_t{1} << 12)));
}

TEST(Assign, another_salt_draws_anew) {
  int both = 0;
  for (int i = 0; i < kUnits; ++i)
    both += takes(0.5, bucket_of("one", unit(i))) && takes(0.5, bucket_of("two", unit(i))) ? 1 : 0;
  EXPECT_NEAR(both, kUnits * 0.25, 5 * std::sqrt(kUnits * 0.25 * 0.75));
}

TEST(Assign, a_unit_is_the_one_value_of_an_input) {
  EXPECT_EQ(unit_in({.type = DType::bytes, .shape = {1, 1}, .data = {}, .texts = {"N1"}}), "N1");
  Tensor whole{.type = DType::int64, .shape = {1}}, part{.type = DType::fp64, .shape = {1}}, two = whole;
  whole.push(int64_t{-7});
  part.push(0.5);
  two.push(int64_t{1});
  two.push(int64_t{2});
  EXPECT_EQ(unit_in(whole), "-7");
  EXPECT_EQ(unit_in(part), "0.5");
  EXPECT_EQ(unit_in(two), std::nullopt);
}

}  // namespace
}  // namespace millrace::serve
