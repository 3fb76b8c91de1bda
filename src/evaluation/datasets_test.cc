#include "evaluation/datasets.h"

#include <gtest/gtest.h>

#include "track/testing.h"

namespace millrace::evaluation {
namespace {

class EvaluationTest : public ::testing::Test {
 protected:
  testing::Tracked world;
  Datasets datasets{*world.store.database, world.journal, world.store.world.context, world.tracking};
  Caller& ada = world.ada;

  std::string made(const std::string& name, const std::map<std::string, std::string>& tags = {}) {
    world.store.world.clock.advance(1'000'000);
    const auto dataset = datasets.create(ada, name, tags, {"0"});
    EXPECT_TRUE(dataset) << dataset.error().text();
    return dataset ? dataset->id : "";
  }
  std::string found(const std::string& filter, const std::vector<std::string>& order = {}) {
    const auto page =
        datasets.search(ada, {.experiment_ids = {}, .filter = filter, .order_by = order, .page_token = ""});
    if (!page) return page.error().text();
    std::string out;
    for (const auto& each : page->items) out += each.name + " ";
    return out;
  }
};

TEST_F(EvaluationTest, the_same_inputs_are_one_record) {
  const auto id = made("a");
  const auto first = datasets.upsert(ada, id,
                                     *parse_json(R"([{"inputs": {"q": 1, "r": "x"}, "expectations": {"a": 1}},
    {"inputs": {"r": "x", "q": 1}, "expectations": {"b": 2}, "outputs": [1]}, {"inputs": {"q": 2}}])",
                                                 "test"));
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(first->inserted, 2);
  EXPECT_EQ(first->updated, 1);
  const auto page = datasets.records(ada, id, 10, "");
  ASSERT_EQ(page->items.size(), 2U);
  const auto& one = page->items[0].inputs.contains("r") ? page->items[0] : page->items[1];
  EXPECT_EQ(one.expectations, Json({{"a", 1}, {"b", 2}}));
  EXPECT_EQ(one.outputs, Json::array({1}));
  const auto dataset = datasets.get(ada, id);
  EXPECT_EQ(dataset->records, 2);
  EXPECT_EQ(dataset->fields["inputs"], Json({{"q", "integer"}, {"r", "string"}}));
  EXPECT_EQ(dataset->fields["outputs"], "array");
}

TEST_F(EvaluationTest, bad_records_are_refused_whole) {
  const auto id = made("a");
  const auto lines = world.journal_lines();
  for (const std::string text :
       {"{}", "[1]", R"([{"inputs": {}}, {"inputs": 5}])", R"([{"inputs": {}, "tags": {"a": 1}}])",
        R"([{"inputs": {}, "source": {"source_type": "MOON"}}])", R"([{"expectations": []}])"})
    EXPECT_EQ(datasets.upsert(ada, id, *parse_json(text, "test")).error().code(), Code::invalid) << text;
  EXPECT_FALSE(datasets.upsert(ada, id, Json(std::vector<Json>(bounds::records_at_once + 1, Json::object()))));
  EXPECT_FALSE(datasets.upsert(ada, "d-none", Json::array()));
  EXPECT_EQ(world.journal_lines(), lines);
  EXPECT_EQ(datasets.get(ada, id)->records, 0);
}

TEST_F(EvaluationTest, pages_of_records_hold_while_some_are_added) {
  const auto id = made("a");
  Json records = Json::array();
  for (int i = 0; i < 7; ++i) records.push_back({{"inputs", {{"i", i}}}});
  ASSERT_TRUE(datasets.upsert(ada, id, records));
  std::set<int> seen;
  std::string token;
  do {
    const auto page = datasets.records(ada, id, 3, token);
    ASSERT_TRUE(page) << page.error().text();
    for (const auto& each : page->items)
      if (const int i = each.inputs["i"].get<int>(); i < 100) {
        EXPECT_TRUE(seen.insert(i).second);
      }
    token = page->next;
    world.store.world.clock.advance(1'000'000);
    if (seen.size() < 7) {
      ASSERT_TRUE(datasets.upsert(ada, id, Json::array({{{"inputs", {{"i", 100 + seen.size()}}}}})));
    }
  } while (!token.empty());
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_FALSE(datasets.records(ada, id, 3, "x"));
  EXPECT_FALSE(datasets.records(ada, id, 0, ""));
}

TEST_F(EvaluationTest, a_search_filters_orders_and_pages) {
  made("one", {{"team", "Ops"}});
  made("two");
  made("three", {{"team", "dev"}});
  EXPECT_EQ(found(""), "three two one ");
  EXPECT_EQ(found("", {"name"}), "one three two ");
  EXPECT_EQ(found("name LIKE 't%'"), "three two ");
  EXPECT_EQ(found("tags.team ILIKE 'ops'"), "one ");
  EXPECT_EQ(found("tags.team IS NULL"), "two ");
  EXPECT_EQ(found("name IN ('one', 'two')"), "two one ");
  EXPECT_EQ(found("created_time > 0 AND name != 'two'"), "three one ");
  EXPECT_NE(found("color = 'x'").find("Invalid attribute key"), std::string::npos);
  EXPECT_NE(found("metrics.x > 1").find("Invalid entity type"), std::string::npos);
  Search search{.experiment_ids = {"0"}, .filter = "", .order_by = {"name"}, .max_results = 2, .page_token = ""};
  const auto first = datasets.search(ada, search);
  ASSERT_EQ(first->items.size(), 2U);
  ASSERT_TRUE(datasets.remove(ada, first->items[1].id));
  search.page_token = first->next;
  EXPECT_EQ(datasets.search(ada, search)->items.at(0).name, "two");
  search.experiment_ids = {"5"};
  search.page_token = "";
  EXPECT_TRUE(datasets.search(ada, search)->items.empty());
}

TEST_F(EvaluationTest, experiments_come_and_go) {
  const auto id = made("a");
  const auto other = *world.tracking.create_experiment(ada, {.name = "b", .artifact_location = "", .tags = {}});
  EXPECT_EQ(datasets.add_experiments(ada, id, {other})->experiment_ids, (std::vector<std::string>{"0", other}));
  EXPECT_EQ(datasets.add_experiments(ada, id, {"99"}).error().code(), Code::not_found);
  EXPECT_EQ(datasets.remove_experiments(ada, id, {"0", "99"})->experiment_ids, std::vector<std::string>{other});
  EXPECT_EQ(datasets.create(ada, "c", {}, {"99"}).error().code(), Code::not_found);
}

TEST_F(EvaluationTest, a_dataset_goes_with_all_that_is_its) {
  const auto id = made("a", {{"k", "v"}});
  ASSERT_TRUE(datasets.upsert(ada, id, Json::array({{{"inputs", {{"i", 1}}}}})));
  EXPECT_EQ(*datasets.remove_records(ada, id, {"none"}), 0);
  ASSERT_TRUE(datasets.set_tags(ada, id, {{"k", "w"}}));
  ASSERT_TRUE(datasets.delete_tag(ada, id, "none"));
  const auto lines = world.journal_lines();
  ASSERT_TRUE(datasets.remove(ada, id));
  ASSERT_TRUE(datasets.remove(ada, id));
  EXPECT_EQ(world.journal_lines(), lines + 1);
  for (const std::string table : {"eval_datasets", "eval_records", "eval_dataset_tags", "eval_dataset_experiments"})
    EXPECT_EQ(world.store.number("SELECT count(*) FROM " + table), 0) << table;
}

TEST_F(EvaluationTest, names_and_tags_have_bounds) {
  EXPECT_FALSE(datasets.create(ada, "", {}, {}));
  EXPECT_FALSE(datasets.create(ada, std::string(501, 'n'), {}, {}));
  EXPECT_FALSE(datasets.create(ada, "a", {{"k", std::string(8001, 'v')}}, {}));
  EXPECT_FALSE(datasets.create(ada, "a", {{std::string(251, 'k'), "v"}}, {}));
  EXPECT_TRUE(datasets.create(ada, std::string(500, 'n'), {{"k", std::string(8000, 'v')}}, {}));
}

}  // namespace
}  // namespace millrace::evaluation
