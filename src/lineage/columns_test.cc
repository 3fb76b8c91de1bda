#include "lineage/columns.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "store/testing.h"

namespace millrace::lineage {
namespace {

class Columns : public ::testing::Test {
 protected:
  testing::Store store;
  Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};

  static std::string use(const std::string& column, const std::vector<std::string>& to, const std::string& how) {
    return to_text({{"column", column}, {"to", to}, {"how", how}});
  }
  // dataset:d (x, y) -> stage:s (a = x, b = x + y where y) -> artifact:s -> stage:py (a command) -> artifact:m
  void SetUp() override {
    const Caller caller{.workspace = "default", .subject = "local:ada", .roles = {}, .via = "cli", .request_id = ""};
    const auto done = journal.write(caller, [&](store::Session&) -> Result<Change> {
      Change change{.kind = "x"};
      for (const auto* id : {"dataset:d@1", "stage:s@1", "stage:py@1", "artifact:m@1"})
        change.nodes.push_back({.id = id, .digest = ""});
      change.nodes.push_back({.id = "artifact:s@1", .digest = "", .attributes = {{"columns", {"a", "b"}}}});
      change.edges = {
          {.source = "dataset:d@1",
           .target = "stage:s@1",
           .kind = "made_from",
           .columns = {use("x", {"a", "b"}, "direct"), use("y", {"b"}, "direct"), use("y", {"*"}, "filter")},
           .run = ""},
          {.source = "stage:s@1", .target = "artifact:s@1", .kind = "made", .columns = {}, .run = ""},
          {.source = "artifact:s@1", .target = "stage:py@1", .kind = "made_from", .columns = {}, .run = ""},
          {.source = "stage:py@1", .target = "artifact:m@1", .kind = "made", .columns = {}, .run = ""}};
      return change;
    });
    ASSERT_TRUE(done) << done.error().text();
  }
  std::vector<std::string> steps(const std::string& node, const std::string& column, Direction direction) {
    const auto found = walk_columns(*store.database, "default", node, column, direction);
    if (!found) return {found.error().text()};
    std::vector<std::string> out;
    for (const auto& step : found->steps)
      out.push_back(fmt::format("{} {}.{} {}{}", step.distance, step.node, step.column, step.how,
                                step.direct ? "" : " (indirect)"));
    return out;
  }
};

using Texts = std::vector<std::string>;

TEST_F(Columns, upstream_names_the_columns_that_a_value_and_its_rows_depend_on) {
  EXPECT_EQ(steps("artifact:s@1", "a", Direction::upstream),
            (Texts{"1 stage:s@1.a made", "2 dataset:d@1.x direct", "2 dataset:d@1.y filter (indirect)"}));
  EXPECT_EQ(steps("artifact:s@1", "b", Direction::upstream),
            (Texts{"1 stage:s@1.b made", "2 dataset:d@1.x direct", "2 dataset:d@1.y direct"}));
}

TEST_F(Columns, downstream_goes_on_where_nothing_is_known_as_some_column) {
  EXPECT_EQ(steps("dataset:d@1", "x", Direction::downstream),
            (Texts{"1 stage:s@1.a direct", "1 stage:s@1.b direct", "2 artifact:s@1.a made", "2 artifact:s@1.b made",
                   "3 stage:py@1.* unknown (indirect)", "4 artifact:m@1.* made (indirect)"}));
}

TEST_F(Columns, a_command_says_nothing_of_columns_and_a_name_that_is_none_is_an_error) {
  EXPECT_EQ(steps("artifact:m@1", "score", Direction::upstream)[1], "2 artifact:s@1.* unknown (indirect)");
  EXPECT_NE(steps("artifact:s@1", "c", Direction::upstream)[0].find("has no column 'c'. Hint: it has a, b"),
            std::string::npos);
  EXPECT_NE(steps("artifact:x@1", "c", Direction::upstream)[0].find("there is no node"), std::string::npos);
}

}  // namespace
}  // namespace millrace::lineage
