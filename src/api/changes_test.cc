#include "api/changes.h"

#include <gtest/gtest.h>

#include <future>

#include "core/limits/ui_limits.h"
#include "lineage/journal.h"
#include "store/testing.h"

namespace millrace::api {
namespace {

constexpr Micros kLong = 3600LL * 1'000'000;

class ChangesTest : public ::testing::Test {
 protected:
  testing::Store store;
  Context& context = store.world.context;
  lineage::Journal journal{*store.database, context, "main", store.folder / "head"};
  Changes changes{*store.database, context};

  void write(const std::string& kind, const std::string& workspace = "default") {
    const Caller caller{.workspace = workspace, .subject = "ann", .roles = {"admin"}, .via = "cli", .request_id = "r"};
    const auto done = journal.write(caller, [&](store::Session&) -> Result<lineage::Change> {
      return lineage::Change{.kind = kind, .node = "model:late@1"};
    });
    ASSERT_TRUE(done) << done.error().text();
  }
  struct Waiting {
    std::future<Json> answer;
    std::shared_ptr<int> client;
  };
  Waiting hold(int64_t after, Micros wait = kLong, const std::string& workspace = "default") {
    auto promised = std::make_shared<std::promise<Json>>();
    Waiting out{promised->get_future(), std::make_shared<int>(0)};
    changes.hold({workspace, after, wait},
                 {.give = [promised](Reply reply) { promised->set_value(*parse_json(reply.body, "answer")); },
                  .waiting = out.client});
    return out;
  }
};

TEST_F(ChangesTest, a_look_tells_what_was_written_after_and_where_to_go_on) {
  EXPECT_EQ(*changes.newest(), 0);
  write("a");
  write("other", "elsewhere");
  write("b");
  const auto all = changes.look("default", 0);
  ASSERT_TRUE(all);
  EXPECT_EQ((*all)["next"], 3);
  EXPECT_EQ((*all)["items"].size(), 2U);
  EXPECT_EQ((*all)["items"][1]["kind"], "b");
  EXPECT_EQ((*all)["items"][1]["subject"], "ann");
  EXPECT_EQ((*changes.look("default", 3))["items"].size(), 0U);
  EXPECT_EQ((*changes.look("default", 99))["skipped"], true) << "this is another store";
}

TEST_F(ChangesTest, one_answer_has_so_many_and_the_next_has_the_rest) {
  for (size_t i = 0; i < limits::changes_items + 5; ++i) write("a");
  const auto first = *changes.look("default", 0);
  EXPECT_EQ(first["items"].size(), limits::changes_items);
  const auto rest = *changes.look("default", first["next"].get<int64_t>());
  EXPECT_EQ(rest["items"].size(), 5U);
}

TEST_F(ChangesTest, who_waits_hears_of_the_next_line) {
  auto waiting = hold(0);
  write("a");
  const auto answer = waiting.answer.get();
  EXPECT_EQ(answer["items"][0]["kind"], "a");
  EXPECT_EQ(answer["next"], 1);
}

TEST_F(ChangesTest, lines_of_other_workspaces_wake_nobody) {
  auto waiting = hold(0);
  write("secret", "elsewhere");
  auto elsewhere = hold(0, kLong, "elsewhere");
  EXPECT_EQ(elsewhere.answer.get()["items"].size(), 1U) << "the watcher has seen the line";
  write("a");
  const auto answer = waiting.answer.get();
  ASSERT_EQ(answer["items"].size(), 1U);
  EXPECT_EQ(answer["items"][0]["kind"], "a");
}

TEST_F(ChangesTest, after_the_time_the_answer_is_that_nothing_is_new) {
  auto waiting = hold(0, 1'000);
  store.world.clock.advance(1'000);
  const auto answer = waiting.answer.get();
  EXPECT_EQ(answer["items"].size(), 0U);
  EXPECT_EQ(answer["skipped"], false);
}

TEST_F(ChangesTest, only_so_many_wait_and_the_others_are_answered_at_once) {
  std::vector<Waiting> held;
  for (size_t i = 0; i < limits::changes_waiting; ++i) held.push_back(hold(0));
  EXPECT_TRUE(changes.is_full());
  EXPECT_EQ(hold(0).answer.get()["items"].size(), 0U);
  changes.stop();
  for (auto& each : held) EXPECT_EQ(each.answer.get()["items"].size(), 0U) << "stopping answers all";
  EXPECT_EQ(hold(0).answer.get()["next"], 0);
}

TEST_F(ChangesTest, a_client_that_has_gone_leaves_its_place) {
  std::vector<Waiting> held;
  for (size_t i = 0; i < limits::changes_waiting; ++i) held.push_back(hold(0));
  held.front().client.reset();
  while (changes.is_full()) std::this_thread::yield();
  auto next = hold(0);
  write("a");
  EXPECT_EQ(next.answer.get()["items"].size(), 1U);
}

}  // namespace
}  // namespace millrace::api
