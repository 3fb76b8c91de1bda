#include "serve/arms/shadow.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <set>
#include <thread>

namespace millrace::serve {
namespace {

ServedPtr with_shadows(int count) {
  auto out = std::make_shared<Served>();
  out->place = std::make_shared<Place>();
  out->shadows.resize(static_cast<size_t>(count));
  return out;
}

InferRequest request(size_t bytes = 8) {
  InferRequest out;
  out.inputs.push_back({.type = DType::uint8, .data = std::vector<std::byte>(bytes)});
  return out;
}

// A worker that is held inside its first answer until release().
struct Held {
  std::promise<void> reached, go;
  std::shared_future<void> may_go{go.get_future()};
  std::atomic<bool> first{true};
  std::atomic<int> answers{0};
  bool answer() {
    if (first.exchange(false)) {
      reached.set_value();
      may_go.wait();
    }
    ++answers;
    return true;
  }
  void hold() { reached.get_future().wait(); }
  void release() { go.set_value(); }
};

TEST(ShadowQueue, every_shadow_answers_every_copy_with_the_facts_of_the_original) {
  std::set<std::string> seen;
  const auto served = with_shadows(2);
  {
    ShadowQueue queue([&](const ServedArm& shadow, const ShadowCopy& copy) {
      seen.insert(copy.facts.id + (&shadow == &served->shadows[0] ? " first" : " second"));
      return copy.facts.id != "b";
    });
    for (const char* id : {"a", "b", "c"}) queue.offer(served, request(), {.id = id});
    EXPECT_TRUE(queue.settle());
  }
  EXPECT_EQ(seen, (std::set<std::string>{"a first", "a second", "b first", "b second", "c first", "c second"}));
  EXPECT_EQ(served->place->shadow.queued, 6U);
  EXPECT_EQ(served->place->shadow.answered, 4U);
  EXPECT_EQ(served->place->shadow.failed, 2U);
  EXPECT_EQ(served->place->shadow.dropped, 0U);
}

TEST(ShadowQueue, without_shadows_nothing_is_copied) {
  const auto served = with_shadows(0);
  ShadowQueue queue([](const ServedArm&, const ShadowCopy&) { return true; });
  queue.offer(served, request(), {});
  EXPECT_TRUE(queue.settle());
  EXPECT_EQ(served->place->shadow.queued, 0U);
}

TEST(ShadowQueue, over_its_limit_of_copies_it_drops_and_counts) {
  Held held;
  const auto served = with_shadows(2);
  ShadowQueue queue([&](const ServedArm&, const ShadowCopy&) { return held.answer(); }, {.copies = 6});
  queue.offer(served, request(), {});
  held.hold();
  for (int i = 0; i < 5; ++i) queue.offer(served, request(), {});
  EXPECT_EQ(served->place->shadow.queued, 6U);
  EXPECT_EQ(served->place->shadow.dropped, 6U);
  held.release();
  EXPECT_TRUE(queue.settle());
  queue.offer(served, request(), {});
  EXPECT_EQ(served->place->shadow.queued, 8U) << "there is room again";
}

TEST(ShadowQueue, over_its_limit_of_bytes_it_drops_and_counts) {
  Held held;
  const auto served = with_shadows(1);
  ShadowQueue queue([&](const ServedArm&, const ShadowCopy&) { return held.answer(); }, {.bytes = 100'000});
  queue.offer(served, request(90'000), {});
  held.hold();
  queue.offer(served, request(20'000), {});
  EXPECT_EQ(served->place->shadow.dropped, 1U);
  queue.offer(served, request(100), {});
  EXPECT_EQ(served->place->shadow.dropped, 1U) << "a small one still fits";
  held.release();
}

TEST(ShadowQueue, has_the_limits_that_are_written_down) {
  const ShadowLimits standard;
  EXPECT_EQ(standard.copies, limits::shadow_queue);
  EXPECT_EQ(standard.bytes, limits::shadow_bytes);
  EXPECT_EQ(standard.wait, limits::shadow_wait_us);
}

TEST(ShadowQueue, stopping_answers_what_waits) {
  int answers = 0;
  const auto served = with_shadows(1);
  {
    ShadowQueue queue([&](const ServedArm&, const ShadowCopy&) { return ++answers > 0; });
    for (int i = 0; i < 1000; ++i) queue.offer(served, request(), {});
  }
  EXPECT_EQ(answers, 1000);
}

TEST(ShadowQueue, stopping_drops_what_takes_too_long) {
  Held held;
  const auto served = with_shadows(1);
  auto queue = std::make_unique<ShadowQueue>([&](const ServedArm&, const ShadowCopy&) { return held.answer(); },
                                             ShadowLimits{.wait = 1000});
  for (int i = 0; i < 3; ++i) queue->offer(served, request(), {});
  held.hold();
  EXPECT_FALSE(queue->settle()) << "the first one is stuck";
  std::thread stopping([&] { queue.reset(); });
  held.release();
  stopping.join();
  const auto& counts = served->place->shadow;
  EXPECT_EQ(counts.queued, 3U);
  EXPECT_EQ(counts.answered + counts.dropped, 3U);
  EXPECT_GE(counts.answered, 1U);
}

}  // namespace
}  // namespace millrace::serve
