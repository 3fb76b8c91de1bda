#include "api/sign_in_limit.h"

#include <gtest/gtest.h>

#include "core/limits/ui_limits.h"

namespace millrace::api {
namespace {

constexpr Micros kSecond = 1'000'000;

TEST(SignInLimit, after_some_wrong_tries_an_address_waits_twice_as_long_each_time) {
  ManualClock clock;
  SignInLimit limit(clock);
  for (size_t i = 1; i < limits::sign_in_tries; ++i) limit.failed("192.0.2.1");
  EXPECT_EQ(limit.wait_of("192.0.2.1"), 0);
  for (const Micros wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    limit.failed("192.0.2.1");
    EXPECT_EQ(limit.wait_of("192.0.2.1"), wait * kSecond);
    EXPECT_EQ(limit.wait_of("192.0.2.2"), 0) << "others do not wait";
    clock.advance(wait * kSecond);
    EXPECT_EQ(limit.wait_of("192.0.2.1"), 0);
  }
  limit.succeeded("192.0.2.1");
  limit.failed("192.0.2.1");
  EXPECT_EQ(limit.wait_of("192.0.2.1"), 0);
}

TEST(SignInLimit, old_mistakes_are_forgotten) {
  ManualClock clock;
  SignInLimit limit(clock);
  for (size_t i = 0; i < 2 * limits::sign_in_tries; ++i) limit.failed("a");
  clock.advance(limits::sign_in_forgotten_us + 1);
  limit.failed("a");
  EXPECT_EQ(limit.wait_of("a"), 0);
}

TEST(SignInLimit, a_network_of_ipv6_counts_as_one) {
  ManualClock clock;
  SignInLimit limit(clock);
  for (size_t i = 0; i < limits::sign_in_tries; ++i) limit.failed("2001:db8::" + std::to_string(i + 1));
  EXPECT_GT(limit.wait_of("2001:db8::ffff"), 0);
  EXPECT_EQ(limit.wait_of("2001:db8:0:1::1"), 0);
}

TEST(SignInLimit, more_addresses_than_are_kept_push_out_the_oldest) {
  ManualClock clock;
  SignInLimit limit(clock);
  for (size_t i = 0; i < limits::sign_in_tries; ++i) limit.failed("first");
  EXPECT_GT(limit.wait_of("first"), 0);
  clock.advance(1);
  for (size_t i = 0; i < limits::sign_in_addresses; ++i) limit.failed(std::to_string(i));
  EXPECT_EQ(limit.wait_of("first"), 0);
}

}  // namespace
}  // namespace millrace::api
