#include "lineage/neighbours.h"

#include <gtest/gtest.h>

#include <set>

#include <fmt/format.h>

#include "store/testing.h"

namespace millrace::lineage {
namespace {

class Neighbours : public ::testing::Test {
 protected:
  testing::Store store;
  Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};

  void add(const std::vector<std::pair<std::string, std::string>>& links) {
    Change change{.kind = "x"};
    for (const auto& [source, target] : links) {
      for (const auto& id : {source, target}) change.nodes.push_back({.id = id, .digest = ""});
      change.edges.push_back({.source = source, .target = target, .kind = "made_from", .columns = {}, .run = ""});
    }
    const Caller caller{.workspace = "default", .subject = "local:ada", .roles = {}, .via = "cli", .request_id = ""};
    const auto done = journal.write(caller, [&](store::Session&) -> Result<Change> { return change; });
    ASSERT_TRUE(done) << done.error().text();
  }
  std::string told(const std::string& start, const Around& around) {
    const auto found = neighbours(*store.database, "default", start, around);
    if (!found) return found.error().text();
    std::string out;
    for (const auto& each : found->nodes) out += fmt::format("{}/{} ", each.node.id, each.hop);
    return fmt::format("{}| {} edges, {} in all{}", out, found->edges.size(), found->total, found->cut ? ", cut" : "");
  }
  std::string path(const std::string& from, const std::string& to) {
    const auto found = shortest_path(*store.database, "default", from, to);
    if (!found) return found.error().text();
    std::string out = found->direction + ":";
    for (const auto& each : found->nodes) out += " " + each.node.id;
    return out;
  }
  // source:a -> dataset:b, dataset:c -> stage:d -> model:e -> release:f
  void add_diamond() {
    add({{"source:a", "dataset:b"},
         {"source:a", "dataset:c"},
         {"dataset:b", "stage:d"},
         {"dataset:c", "stage:d"},
         {"stage:d", "model:e"},
         {"model:e", "release:f"}});
  }
};

TEST_F(Neighbours, go_as_far_and_where_they_are_asked_to) {
  add_diamond();
  EXPECT_EQ(told("stage:d", {}), "stage:d/0 dataset:b/1 model:e/1 dataset:c/1 | 3 edges, 4 in all");
  EXPECT_EQ(told("stage:d", {.way = Way::down, .hops = 2}), "stage:d/0 model:e/1 release:f/2 | 2 edges, 3 in all");
  EXPECT_EQ(told("stage:d", {.way = Way::up, .hops = 5}),
            "stage:d/0 dataset:b/1 dataset:c/1 source:a/2 | 4 edges, 4 in all");
  EXPECT_EQ(
      told("model:no", {}),
      "there is no node 'model:no' in the lineage graph. Hint: node ids look like model:late@1, dataset:flights@3, "
      "release:late@1");
}

TEST_F(Neighbours, of_a_crowd_every_kind_gets_its_turn) {
  std::vector<std::pair<std::string, std::string>> links{{"run:1", "model:hub"}};
  for (int i = 0; i < 500; ++i) links.emplace_back("model:hub", fmt::format("prediction_window:w@{}", i));
  links.emplace_back("model:hub", "release:r@1");
  add(links);
  const auto found = neighbours(*store.database, "default", "model:hub", {.limit = 6});
  ASSERT_TRUE(found);
  std::set<std::string> kinds;
  for (const auto& each : found->nodes) kinds.insert(each.kind);
  EXPECT_EQ(kinds, (std::set<std::string>{"model", "prediction_window", "release", "run"}));
  EXPECT_EQ(found->nodes.size(), 6U);
  EXPECT_EQ(found->total, 503);
  EXPECT_TRUE(found->cut);
  EXPECT_EQ(found->nodes[0].up, 1);
  EXPECT_EQ(found->nodes[0].down, 501);
}

TEST_F(Neighbours, a_path_goes_the_way_that_things_came_about_if_it_can) {
  add_diamond();
  add({{"dataset:b", "model:other"}});
  EXPECT_EQ(path("source:a", "release:f"), "down: source:a dataset:b stage:d model:e release:f");
  EXPECT_EQ(path("release:f", "stage:d"), "up: release:f model:e stage:d");
  EXPECT_EQ(path("model:other", "model:e"), "mixed: model:other dataset:b stage:d model:e");
  EXPECT_EQ(path("model:e", "model:e"), "down: model:e");
  add({{"source:x", "dataset:y"}});
  EXPECT_EQ(path("source:x", "model:e"),
            "nothing leads from 'source:x' to 'model:e'. Hint: they share neither a source nor a result");
}

}  // namespace
}  // namespace millrace::lineage
