#include <gtest/gtest.h>

#include <fmt/format.h>

#include "track/table/compare.h"
#include "track/table/run_facts.h"
#include "track/table/run_table.h"
#include "track/testing.h"

namespace millrace::track {
namespace {

class TableTest : public ::testing::Test {
 protected:
  // Ten runs: loss falls with their number, even ones have depth 2, every third a tag.
  TableTest() {
    for (int i = 0; i < 10; ++i) {
      auto run = world.run(fmt::format("r{}", i));
      ids.push_back(run.info.id);
      Batch batch{.metrics = {{.key = "loss", .value = 1.0 - i / 10.0, .timestamp = 1, .step = 0},
                              {.key = "loss", .value = 0.5 - i / 20.0, .timestamp = 2, .step = 1}},
                  .params = {{"depth", i % 2 == 0 ? "2" : "3"}, {"same", "x"}},
                  .tags = {}};
      if (i % 3 == 0) batch.tags.push_back({"team", "a"});
      EXPECT_TRUE(world.tracking.log_batch(world.ada, run.info.id, batch));
    }
  }
  RunRows page(Search search, RunPage wanted = {.columns = {{Entity::metric, "loss"}, {Entity::param, "depth"}}}) {
    auto found = table.page("default", std::move(search), std::move(wanted));
    EXPECT_TRUE(found) << found.error().text();
    return found ? std::move(*found) : RunRows{};
  }
  template <class Ask>
  void ask(Ask question) {
    const auto done = world.store.database->read(question);
    ASSERT_TRUE(done) << done.error().text();
  }

  testing::Tracked world;
  std::vector<std::string> ids;
  RunTable table{*world.store.database, world.store.world.context};
};

TEST_F(TableTest, a_page_holds_the_columns_that_were_asked_for) {
  const auto found = page({.order_by = {"metrics.loss ASC"}, .max_results = 3});
  ASSERT_EQ(found.rows.size(), 3U);
  EXPECT_EQ(found.total, 10);
  EXPECT_EQ(found.rows[0].info.name, "r9");
  const auto& values = found.rows[0].values;
  EXPECT_EQ(values.size(), 2U);
  EXPECT_DOUBLE_EQ(values["metrics.loss"]["last"].get<double>(), 0.05);
  EXPECT_DOUBLE_EQ(values["metrics.loss"]["min"].get<double>(), 0.05);
  EXPECT_DOUBLE_EQ(values["metrics.loss"]["max"].get<double>(), 0.1);
  EXPECT_EQ(values["metrics.loss"]["step"], 1);
  EXPECT_EQ(values["params.depth"], "3");
}

TEST_F(TableTest, pages_follow_each_other_and_keep_the_total) {
  Search search{.filter = "params.depth = '2'", .max_results = 2};
  std::vector<std::string> names;
  do {
    auto found = page(search);
    EXPECT_EQ(found.total, 5);
    for (const auto& row : found.rows) names.push_back(row.info.name);
    search.page_token = found.next;
  } while (!search.page_token.empty());
  EXPECT_EQ(names, (std::vector<std::string>{"r8", "r6", "r4", "r2", "r0"}));
}

TEST_F(TableTest, totals_are_those_of_the_filter_whichever_way_it_is_looked_up) {
  for (const auto& [filter, total] :
       std::vector<std::pair<std::string, int64_t>>{{"", 10},
                                                    {"metrics.loss < 0.26", 5},
                                                    {"metrics.loss != 0.5", 9},
                                                    {"tags.team = 'a'", 4},
                                                    {"tags.team LIKE 'a%'", 4},
                                                    {"params.depth = '2' AND metrics.loss < 0.26", 2},
                                                    {"attributes.run_name = 'r3'", 1}})
    EXPECT_EQ(page({.filter = filter, .max_results = 1}).total, total) << filter;
}

TEST_F(TableTest, rows_come_without_a_count_where_none_is_wanted) {
  Search search{.filter = "params.depth = '2'", .max_results = 2};
  std::vector<std::string> names;
  do {
    auto found = page(search, {.count = false});
    // Nobody has counted; the last page of several does not tell it either.
    EXPECT_FALSE(found.total) << *found.total;
    for (const auto& row : found.rows) names.push_back(row.info.name);
    search.page_token = found.next;
  } while (!search.page_token.empty());
  EXPECT_EQ(names, (std::vector<std::string>{"r8", "r6", "r4", "r2", "r0"}));
  EXPECT_EQ(page({.filter = search.filter, .max_results = 5}, {.count = false}).total, 5) << "all are on one page";
}

TEST_F(TableTest, a_total_is_that_of_the_pages) {
  for (const auto& [filter, total] : std::vector<std::pair<std::string, int64_t>>{
           {"", 10}, {"params.depth = '2'", 5}, {"metrics.loss < 0.26", 5}, {"tags.team = 'b'", 0}}) {
    const auto counted = table.total("default", {.filter = filter, .max_results = 1});
    ASSERT_TRUE(counted) << counted.error().text();
    EXPECT_EQ(*counted, total) << filter;
    EXPECT_EQ(page({.filter = filter, .max_results = 1}).total, total) << filter;
  }
  EXPECT_FALSE(table.total("default", {.filter = "metrics.loss <"}));
  EXPECT_FALSE(table.total("default", {.experiment_ids = {"77"}}));
}

TEST_F(TableTest, common_columns_are_those_of_the_page_s_runs) {
  const auto names_of = [](const RunRows& found) {
    std::string out;
    for (const auto& column : found.columns) out += column.name() + " ";
    return out;
  };
  auto found = page({.max_results = 3}, {.common = true});
  EXPECT_EQ(names_of(found), "metrics.loss params.depth params.same ");
  EXPECT_EQ(found.rows[0].values["params.depth"], "3");
  // The newest run has metrics of its own; four at most are taken, those of more runs first.
  Batch batch;
  for (const char* key : {"a", "b", "c", "d", "e"}) batch.metrics.push_back({.key = key, .value = 1, .timestamp = 1});
  ASSERT_TRUE(world.tracking.log_batch(world.ada, ids[9], batch));
  EXPECT_EQ(names_of(page({.max_results = 3}, {.common = true})),
            "metrics.loss metrics.a metrics.b metrics.c params.depth params.same ");
  EXPECT_EQ(names_of(page({.filter = "attributes.run_name = 'r1'"}, {.common = true})),
            "metrics.loss params.depth params.same ");
  EXPECT_EQ(names_of(page({.filter = "attributes.run_name = 'none'"}, {.common = true})), "");
}

TEST_F(TableTest, a_wrong_cursor_and_an_unknown_experiment_are_refused) {
  const auto wrong = table.page("default", {.max_results = 1, .page_token = "xyz"}, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().where().field, "after");
  const auto unknown = table.page("default", {.experiment_ids = {"77"}, .max_results = 1}, {});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().text(),
            "field experiment: there is no experiment '77'. Hint: GET /experiments lists those that there are");
}

TEST_F(TableTest, columns_are_counted_most_used_first) {
  ColumnCounts counts(*world.store.database, world.store.world.context);
  const auto params = counts.of("default", {"0"}, Entity::param);
  ASSERT_TRUE(params);
  ASSERT_EQ((*params)->size(), 2U);
  EXPECT_EQ((**params)[0].column.name(), "params.depth");
  EXPECT_EQ((**params)[0].runs, 10);
  const auto tags = counts.of("default", {"0"}, Entity::tag);
  ASSERT_TRUE(tags);
  EXPECT_EQ((**tags).back().column.name(), "tags.team");
  EXPECT_EQ((**tags).back().runs, 4);
}

TEST_F(TableTest, names_of_columns_are_read_with_and_without_backticks) {
  EXPECT_EQ(parse_column("metrics.`val/loss`")->key, "val/loss");
  EXPECT_EQ(parse_column("param.a.b")->name(), "params.a.b");
  EXPECT_FALSE(parse_column("loss"));
  EXPECT_FALSE(parse_column("metrics."));
  EXPECT_FALSE(parse_column("attributes.x"));
}

TEST_F(TableTest, runs_are_compared_column_by_column) {
  ask([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto all, compared_columns(session, "default", {ids[0], ids[1]}, false));
    std::string told;
    for (const auto& each : all)
      if (each.column.entity != Entity::tag || each.column.key == "team")
        told += fmt::format("{}{} ", each.column.name(), each.differs ? "!" : "");
    EXPECT_EQ(told, "params.depth! params.same metrics.loss! tags.team! ");
    MILLRACE_TRY(const auto equal, compared_columns(session, "default", {ids[0], ids[2]}, true));
    told.clear();
    for (const auto& each : equal)
      if (each.column.entity != Entity::tag) told += each.column.name() + " ";
    EXPECT_EQ(told, "metrics.loss ");
    return {};
  });
}

TEST_F(TableTest, one_run_tells_what_it_logged_page_by_page) {
  ask([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto facts, run_facts(session, "default", ids[3]));
    EXPECT_EQ(facts["name"], "r3");
    EXPECT_EQ(facts["counts"]["params"], 2);
    EXPECT_EQ(facts["metrics"]["items"][0]["key"], "loss");
    EXPECT_EQ(facts["experiment"]["name"], "Default");
    MILLRACE_TRY(const auto first, run_values(session, "default", ids[3], {.entity = Entity::param, .limit = 1}));
    EXPECT_EQ(first.next, "depth");
    EXPECT_EQ(first.total, 2);
    MILLRACE_TRY(const auto second,
                 run_values(session, "default", ids[3], {.entity = Entity::param, .after = first.next, .limit = 1}));
    EXPECT_EQ(second.items[0]["key"], "same");
    EXPECT_EQ(second.next, "");
    MILLRACE_TRY(const auto none, run_values(session, "default", ids[3], {.entity = Entity::param, .q = "D%"}));
    EXPECT_EQ(none.total, 0);
    MILLRACE_TRY(const auto some, run_values(session, "default", ids[3], {.entity = Entity::param, .q = "EPT"}));
    EXPECT_EQ(some.total, 1);
    return {};
  });
}

TEST_F(TableTest, experiments_are_found_by_a_part_of_their_name) {
  ASSERT_TRUE(world.tracking.create_experiment(world.ada, {.name = "Flights 100%", .tags = {}}));
  ask([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto all, experiment_rows(session, "default", {}));
    EXPECT_EQ(all.total, 2);
    MILLRACE_TRY(const auto found, experiment_rows(session, "default", {.q = "100%"}));
    EXPECT_EQ(found.total, 1);
    EXPECT_EQ(found.items[0]["runs"], 0);
    MILLRACE_TRY(const auto first, experiment_rows(session, "default", {.q = "fault"}));
    EXPECT_EQ(first.items[0]["runs"], 10);
    return {};
  });
}

}  // namespace
}  // namespace millrace::track
