#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include <fmt/format.h>

#include "track/testing.h"

namespace millrace::track {
namespace {

// Runs a to e: metric m is 1, 2, 2, NaN, missing; param p is the name; tag team is ops for a and c.
class SearchTest : public ::testing::Test {
 protected:
  SearchTest() {
    const double values[] = {1, 2, 2, NAN};
    for (int i = 0; i < 5; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      const auto id = world.run(name).info.id;
      ids.push_back(id);
      Batch batch;
      if (i < 4) batch.metrics.push_back({.key = "m", .value = values[i]});
      batch.params.push_back({"p", name + "_X"});
      if (i == 0 || i == 2) batch.tags.push_back({"team", "ops"});
      EXPECT_TRUE(world.tracking.log_batch(world.ada, id, batch));
    }
  }

  // The names of the runs that are found, in order.
  std::string find(const std::string& filter, const std::vector<std::string>& order = {}, View view = View::active) {
    const auto page = world.tracking.search_runs(
        world.ada, {.experiment_ids = {"0"}, .filter = filter, .order_by = order, .view = view});
    if (!page) return page.error().message();
    std::string names;
    for (const auto& run : page->items) names += run.info.name;
    return names;
  }

  testing::Tracked world;
  std::vector<std::string> ids;
};

TEST_F(SearchTest, the_newest_come_first) { EXPECT_EQ(find(""), "edcba"); }

TEST_F(SearchTest, metrics_are_compared_as_numbers) {
  EXPECT_EQ(find("metrics.m >= 2"), "cb");
  EXPECT_EQ(find("metrics.m = 1"), "a");
  EXPECT_EQ(find("metrics.m != 2"), "da");  // NaN differs from every number, a missing metric does not compare
  EXPECT_EQ(find("metrics.m = 0"), "");     // NaN is not the zero that stands for it
  EXPECT_EQ(find("metrics.none > 0"), "");
}

TEST_F(SearchTest, texts_are_compared_with_and_without_case) {
  EXPECT_EQ(find("params.p = 'a_X'"), "a");
  EXPECT_EQ(find("params.p LIKE '%X' AND params.p != 'a_X'"), "edcb");
  EXPECT_EQ(find("params.p LIKE '%x'"), "");
  EXPECT_EQ(find("params.p ILIKE 'A%x'"), "a");
  EXPECT_EQ(find("params.p LIKE 'a_X'"), "a");
  EXPECT_EQ(find("params.p LIKE '[a]_X'"), "");  // no wildcard of the engine's own
  EXPECT_EQ(find("params.p LIKE '*'"), "");
  EXPECT_EQ(find("tags.team = 'ops'"), "ca");
  EXPECT_EQ(find("tags.team IS NULL"), "edb");
  EXPECT_EQ(find("tags.team IS NOT NULL AND metrics.m < 2"), "a");
  EXPECT_EQ(find("attributes.run_name = 'c'"), "c");
  EXPECT_EQ(find("run_id IN ('" + ids[1] + "', '" + ids[3] + "')"), "db");
  EXPECT_EQ(find("run_id NOT IN ('" + ids[1] + "')"), "edca");
  EXPECT_EQ(find("status = 'RUNNING' AND start_time > 0 AND end_time > 0"), "");
}

TEST_F(SearchTest, what_is_written_in_a_filter_stays_a_value) {
  EXPECT_EQ(find("params.p = 'x'' OR 1=1 --'"), "");
  EXPECT_EQ(find("params.`p' OR '1'='1` = 'x'"), "");
}

TEST_F(SearchTest, nan_then_missing_come_last_in_both_directions) {
  EXPECT_EQ(find("", {"metrics.m ASC"}), "acbde");
  EXPECT_EQ(find("", {"metrics.m DESC"}), "cbade");
  EXPECT_EQ(find("", {"tags.team DESC", "params.p ASC"}), "acbde");
  EXPECT_EQ(find("", {"start_time ASC"}), "abcde");
  EXPECT_EQ(find("", {"end_time DESC", "run_name ASC"}), "abcde");
}

TEST_F(SearchTest, views_show_the_active_the_deleted_or_all) {
  ASSERT_TRUE(world.tracking.delete_run(world.ada, ids[1]));
  EXPECT_EQ(find(""), "edca");
  EXPECT_EQ(find("", {}, View::deleted), "b");
  EXPECT_EQ(find("", {}, View::all), "edcba");
}

TEST_F(SearchTest, datasets_can_be_searched) {
  const DatasetInput input{{"frame", "abc", "local", "{}", "", ""}, {{"mlflow.data.context", "training"}}};
  ASSERT_TRUE(world.tracking.log_inputs(world.ada, ids[2], {input}, {}));
  EXPECT_EQ(find("datasets.name = 'frame' AND dataset.digest LIKE 'a%' AND datasets.context = 'training'"), "c");
  EXPECT_EQ(find("datasets.context IN ('validation')"), "");
}

TEST_F(SearchTest, pages_stay_right_while_runs_are_added_and_removed) {
  for (const std::vector<std::string>& order :
       {std::vector<std::string>{}, {"metrics.m DESC"}, {"params.p ASC"}, {"metrics.none ASC", "tags.team DESC"}}) {
    Search search{.experiment_ids = {"0"},
                  .filter = "params.p LIKE '%X'",
                  .order_by = order,
                  .view = View::all,
                  .max_results = 2};
    const auto whole = find(search.filter, order, View::all);
    std::string names;
    do {
      const auto page = world.tracking.search_runs(world.ada, search);
      ASSERT_TRUE(page) << page.error().text();
      for (const auto& run : page->items) names += run.info.name;
      search.page_token = page->next;
      world.run("new");  // has no params: matches nothing
    } while (!search.page_token.empty());
    EXPECT_EQ(names, whole);
  }
}

TEST_F(SearchTest, a_token_of_another_search_is_refused) {
  const auto page = world.tracking.search_runs(world.ada, {.experiment_ids = {"0"}, .max_results = 2});
  ASSERT_FALSE(page->next.empty());
  EXPECT_FALSE(world.tracking.search_runs(
      world.ada, {.experiment_ids = {"0"}, .filter = "metrics.m > 1", .max_results = 2, .page_token = page->next}));
  for (const auto* token : {"x", "!!!", "e30", "eyJsYXN0IjpbXX0"})
    EXPECT_FALSE(
        world.tracking.search_runs(world.ada, {.experiment_ids = {"0"}, .max_results = 2, .page_token = token}))
        << token;
}

TEST_F(SearchTest, page_sizes_have_bounds) {
  EXPECT_FALSE(world.tracking.search_runs(world.ada, {.experiment_ids = {"0"}, .max_results = 0}));
  EXPECT_FALSE(world.tracking.search_runs(world.ada, {.experiment_ids = {"0"}, .max_results = 50'001}));
  EXPECT_TRUE(world.tracking.search_runs(world.ada, {.experiment_ids = {}, .max_results = 50'000})->items.empty());
}

TEST_F(SearchTest, experiments_are_found_by_name_tag_and_time_in_order_of_number) {
  for (int i = 1; i <= 12; ++i) {
    world.store.world.clock.advance(1'000'000);
    ASSERT_TRUE(world.tracking.create_experiment(
        world.ada,
        {.name = fmt::format("exp {}", i), .artifact_location = "", .tags = {{"odd", i % 2 ? "yes" : "no"}}}));
  }
  const auto ids_of = [&](const Search& search) {
    const auto page = world.tracking.search_experiments(world.ada, search);
    if (!page) return page.error().message();
    std::string out;
    for (const auto& experiment : page->items) out += experiment.id + " ";
    return out;
  };
  EXPECT_EQ(ids_of({.filter = "tags.odd = 'no'", .order_by = {"experiment_id ASC"}}), "2 4 6 8 10 12 ");
  EXPECT_EQ(ids_of({.filter = "name LIKE 'exp 1%'"}), "12 11 10 1 ");
  EXPECT_EQ(ids_of({.filter = "name = 'Default'"}), "0 ");
  EXPECT_NE(ids_of({.filter = "metrics.a > 1"}).find("Invalid entity type"), std::string::npos);
}

}  // namespace
}  // namespace millrace::track
