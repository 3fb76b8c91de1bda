#include "lineage/graph.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "core/limits.h"
#include "store/testing.h"

namespace millrace::lineage {
namespace {

class Graph : public ::testing::Test {
 protected:
  testing::Store store;
  Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};

  void add(const std::vector<Node>& nodes, const std::vector<Edge>& edges, const std::string& workspace = "default") {
    const Caller caller{.workspace = workspace, .subject = "local:ada", .roles = {}, .via = "cli", .request_id = ""};
    const auto done = journal.write(
        caller, [&](store::Session&) -> Result<Change> { return Change{.kind = "x", .nodes = nodes, .edges = edges}; });
    ASSERT_TRUE(done) << done.error().text();
  }
  static Node node(const std::string& id) { return {.id = id, .digest = "sha256:" + id}; }
  static Edge edge(const std::string& source, const std::string& target) {
    return {.source = source, .target = target, .kind = "made_from", .columns = {}, .run = ""};
  }
  std::vector<std::string> ids(const std::string& start, Direction direction, int depth = 64) {
    const auto found = walk(*store.database, "default", start, direction, depth);
    EXPECT_TRUE(found) << found.error().text();
    std::vector<std::string> out;
    for (size_t i = 0; i < found->nodes.size(); ++i)
      out.push_back(fmt::format("{} {}", found->distance[i], found->nodes[i].id));
    return out;
  }
  // source:a -> dataset:b -> stage:d -> model:e, source:a -> dataset:c -> stage:d
  void add_diamond() {
    add({node("source:a"), node("dataset:b"), node("dataset:c"), node("stage:d"), node("model:e")},
        {edge("source:a", "dataset:b"), edge("source:a", "dataset:c"), edge("dataset:b", "stage:d"),
         edge("dataset:c", "stage:d"), edge("stage:d", "model:e")});
  }
};

using Texts = std::vector<std::string>;

TEST_F(Graph, walks_both_ways_by_distance_and_meets_each_node_once) {
  add_diamond();
  EXPECT_EQ(ids("model:e", Direction::upstream),
            (Texts{"0 model:e", "1 stage:d", "2 dataset:b", "2 dataset:c", "3 source:a"}));
  EXPECT_EQ(ids("source:a", Direction::downstream),
            (Texts{"0 source:a", "1 dataset:b", "1 dataset:c", "2 stage:d", "3 model:e"}));
  EXPECT_EQ(ids("source:a", Direction::upstream), (Texts{"0 source:a"}));
  EXPECT_EQ(walk(*store.database, "default", "model:e", Direction::upstream)->edges.size(), 5U);
}

TEST_F(Graph, a_circle_ends) {
  add({node("a:1"), node("b:1")}, {edge("a:1", "b:1"), edge("b:1", "a:1")});
  EXPECT_EQ(ids("a:1", Direction::downstream), (Texts{"0 a:1", "1 b:1"}));
}

TEST_F(Graph, depth_cuts_and_says_so) {
  add_diamond();
  EXPECT_EQ(ids("model:e", Direction::upstream, 1), (Texts{"0 model:e", "1 stage:d"}));
  EXPECT_TRUE(walk(*store.database, "default", "model:e", Direction::upstream, 1)->cut);
  EXPECT_FALSE(walk(*store.database, "default", "model:e", Direction::upstream, 3)->cut);
}

TEST_F(Graph, an_edge_keeps_its_columns_and_attributes_stay) {
  add({{.id = "dataset:a", .digest = "", .attributes = {{"rows", 3}}}, node("dataset:b")},
      {{.source = "dataset:a", .target = "dataset:b", .kind = "made_from", .columns = {"x", "y"}, .run = "run:1"}});
  const auto found = walk(*store.database, "default", "dataset:b", Direction::upstream);
  ASSERT_EQ(found->edges.size(), 1U);
  EXPECT_EQ(found->edges[0].columns, (Texts{"x", "y"}));
  EXPECT_EQ(found->edges[0].run, "run:1");
  EXPECT_EQ(found->nodes[1].attributes.at("rows"), 3);
}

TEST_F(Graph, the_same_edge_twice_is_one) {
  add_diamond();
  add_diamond();
  EXPECT_EQ(store.number("SELECT count(*) FROM edges"), 5);
  EXPECT_EQ(store.number("SELECT count(*) FROM nodes"), 5);
}

TEST_F(Graph, an_end_that_was_never_described_is_still_met) {
  add({node("dataset:b")}, {edge("source:unknown", "dataset:b")});
  EXPECT_EQ(ids("dataset:b", Direction::upstream), (Texts{"0 dataset:b", "1 source:unknown"}));
}

TEST_F(Graph, a_missing_start_and_another_workspace_are_not_found) {
  add_diamond();
  EXPECT_EQ(
      walk(*store.database, "default", "model:none", Direction::upstream).error().text(),
      "there is no node 'model:none' in the lineage graph. Hint: node ids look like model:late@1, dataset:flights@3, "
      "release:late@1");
  EXPECT_EQ(walk(*store.database, "other", "model:e", Direction::upstream).error().code(), Code::not_found);
}

TEST_F(Graph, a_walk_stops_at_the_limit_of_nodes) {
  add({node("root:0")}, {});
  const auto fill = [&](int64_t from, int64_t to) {
    ASSERT_TRUE(
        store.execute("WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                      "INSERT INTO edges SELECT 'default', 'root:0', 'leaf:' || i, 'made_from', '[]', '', 1 FROM n",
                      {from, to}));
  };
  fill(1, static_cast<int64_t>(limits::graph_nodes) - 1);
  const auto whole = walk(*store.database, "default", "root:0", Direction::downstream);
  EXPECT_EQ(whole->nodes.size(), limits::graph_nodes);
  EXPECT_FALSE(whole->cut);
  fill(static_cast<int64_t>(limits::graph_nodes), static_cast<int64_t>(limits::graph_nodes));
  const auto part = walk(*store.database, "default", "root:0", Direction::downstream);
  EXPECT_EQ(part->nodes.size(), limits::graph_nodes);
  EXPECT_TRUE(part->cut);
}

}  // namespace
}  // namespace millrace::lineage
