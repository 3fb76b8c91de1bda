#include "track/tracking.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "track/names.h"
#include "track/testing.h"

namespace millrace::track {
namespace {

class TrackingTest : public ::testing::Test {
 protected:
  testing::Tracked world;
  Tracking& tracking = world.tracking;
  Caller& ada = world.ada;

  void store_on(const std::string& run, const std::string& model, const std::string& dataset, double value,
                int64_t time) {
    EXPECT_TRUE(tracking.log_metric(ada, run,
                                    {.key = "auc",
                                     .value = value,
                                     .timestamp = time,
                                     .step = 0,
                                     .model_id = model,
                                     .dataset_name = dataset,
                                     .dataset_digest = "d"}));
  }
  static std::string message(const Result<void>& result) { return result ? "" : result.error().message(); }
  static std::string value_of(const std::vector<KeyValue>& pairs, const std::string& key) {
    for (const auto& pair : pairs)
      if (pair.key == key) return pair.value;
    return "(none)";
  }
};

TEST_F(TrackingTest, every_workspace_has_its_default_experiment) {
  EXPECT_EQ(tracking.get_experiment(ada, "0")->name, "Default");
  ada.workspace = "other";
  EXPECT_EQ(tracking.get_experiment_by_name(ada, "Default")->id, "0");
  EXPECT_EQ(tracking.search_experiments(ada, {})->items.size(), 1U);
}

TEST_F(TrackingTest, an_experiments_name_is_taken_for_good) {
  const auto id =
      tracking.create_experiment(ada, {.name = "flights", .artifact_location = "", .tags = {{"team", "ops"}}});
  ASSERT_TRUE(id) << id.error().text();
  EXPECT_EQ(*id, "1");
  EXPECT_EQ(tracking.get_experiment(ada, *id)->artifact_location, "mlflow-artifacts:/1");
  EXPECT_EQ(tracking.create_experiment(ada, {.name = "flights", .artifact_location = "", .tags = {}}).error().code(),
            Code::conflict);
  ASSERT_TRUE(tracking.delete_experiment(ada, *id));
  EXPECT_EQ(tracking.get_experiment(ada, *id)->lifecycle_stage, "deleted");
  EXPECT_EQ(tracking.create_experiment(ada, {.name = "flights", .artifact_location = "", .tags = {}}).error().code(),
            Code::conflict);
  EXPECT_EQ(tracking.rename_experiment(ada, *id, "x").error().code(), Code::rejected);
  ASSERT_TRUE(tracking.restore_experiment(ada, *id));
  ASSERT_TRUE(tracking.rename_experiment(ada, *id, "planes"));
  EXPECT_EQ(*tracking.ensure_experiment(ada, "planes"), *id);
  EXPECT_EQ(*tracking.ensure_experiment(ada, "flights"), "2");
}

TEST_F(TrackingTest, deleting_an_experiment_takes_its_runs_along) {
  const auto id = *tracking.create_experiment(ada, {.name = "a", .artifact_location = "", .tags = {}});
  const auto run = world.run("", id);
  ASSERT_TRUE(tracking.delete_experiment(ada, id));
  EXPECT_EQ(tracking.get_run(ada, run.info.id)->info.lifecycle_stage, "deleted");
  EXPECT_NE(message(tracking.set_tag(ada, run.info.id, {"a", "b"})).find("must be in the 'active' state"),
            std::string::npos);
  const auto more =
      tracking.create_run(ada, {.experiment_id = id, .name = "", .user_id = "", .start_time = 0, .tags = {}});
  EXPECT_NE(more.error().message().find("must be in the 'active' state"), std::string::npos);
  ASSERT_TRUE(tracking.restore_experiment(ada, id));
  EXPECT_EQ(tracking.get_run(ada, run.info.id)->info.lifecycle_stage, "active");
}

TEST_F(TrackingTest, a_runs_name_and_its_tag_are_one) {
  const auto run = world.run("first").info.id;
  EXPECT_EQ(value_of(tracking.get_run(ada, run)->tags, "mlflow.runName"), "first");
  ASSERT_TRUE(tracking.update_run(ada, run, {.status = "FINISHED", .name = "second", .end_time = 5}));
  EXPECT_EQ(value_of(tracking.get_run(ada, run)->tags, "mlflow.runName"), "second");
  ASSERT_TRUE(tracking.set_tag(ada, run, {"mlflow.runName", "third"}));
  const auto read = *tracking.get_run(ada, run);
  EXPECT_EQ(read.info.name, "third");
  EXPECT_EQ(read.info.status, "FINISHED");
  EXPECT_EQ(read.info.end_time, 5);
  const auto torn = tracking.create_run(
      ada, {.experiment_id = "0", .name = "a", .user_id = "", .start_time = 0, .tags = {{"mlflow.runName", "b"}}});
  EXPECT_FALSE(torn);
}

TEST_F(TrackingTest, a_nameless_run_gets_a_name) {
  const auto name = world.run().info.name;
  EXPECT_EQ(std::count(name.begin(), name.end(), '-'), 2) << name;
}

TEST_F(TrackingTest, params_are_written_once) {
  const auto run = world.run().info.id;
  ASSERT_TRUE(tracking.log_param(ada, run, {"depth", "3"}));
  ASSERT_TRUE(tracking.log_param(ada, run, {"depth", "3"}));
  const auto second = tracking.log_param(ada, run, {"depth", "5"});
  EXPECT_NE(message(second).find("Changing param values is not allowed. Param with key='depth'"), std::string::npos);
  EXPECT_EQ(second.error().code(), Code::invalid);
  EXPECT_NE(message(tracking.log_batch(ada, run, {.metrics = {}, .params = {{"a", "1"}, {"a", "1"}}, .tags = {}}))
                .find("Duplicate parameter keys"),
            std::string::npos);
}

TEST_F(TrackingTest, a_batch_is_all_or_nothing_and_one_line) {
  const auto run = world.run().info.id;
  const auto lines = world.journal_lines();
  ASSERT_TRUE(tracking.log_batch(
      ada, run, {.metrics = {{.key = "m", .value = 1}}, .params = {{"p", "1"}}, .tags = {{"t", "1"}}}));
  EXPECT_EQ(world.journal_lines(), lines + 1);
  EXPECT_FALSE(tracking.log_batch(
      ada, run, {.metrics = {{.key = "n", .value = 1}}, .params = {{"p", "2"}}, .tags = {{"u", "1"}}}));
  const auto read = *tracking.get_run(ada, run);
  EXPECT_EQ(read.metrics.size(), 1U);
  EXPECT_EQ(value_of(read.tags, "u"), "(none)");
  EXPECT_EQ(world.journal_lines(), lines + 1);
  EXPECT_TRUE(world.journal.verify()->intact);
}

TEST_F(TrackingTest, the_latest_point_has_the_greatest_step_then_time_then_value) {
  const auto run = world.run().info.id;
  const auto log = [&](double value, int64_t time, int64_t step) {
    ASSERT_TRUE(tracking.log_metric(ada, run, {.key = "m", .value = value, .timestamp = time, .step = step}));
  };
  log(5, 10, 2);
  log(1, 99, 1);
  EXPECT_EQ(tracking.get_run(ada, run)->metrics.at(0).value, 5);
  log(4, 11, 2);
  EXPECT_EQ(tracking.get_run(ada, run)->metrics.at(0).value, 4);
  log(6, 11, 2);
  log(6, 11, 2);  // the same point again is kept once
  EXPECT_EQ(tracking.get_run(ada, run)->metrics.at(0).value, 6);
  const auto history = tracking.metric_history(ada, run, {.key = "m", .limit = 100, .page_token = ""});
  ASSERT_EQ(history->items.size(), 4U);
  EXPECT_EQ(history->items[0].timestamp, 10);
  EXPECT_EQ(history->items[1].value, 4);
  EXPECT_EQ(history->items[3].timestamp, 99);
}

TEST_F(TrackingTest, nan_is_kept_and_infinity_is_the_largest_number) {
  const auto run = world.run().info.id;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  ASSERT_TRUE(tracking.log_batch(
      ada, run,
      {.metrics = {{.key = "a", .value = NAN}, {.key = "b", .value = infinity}, {.key = "c", .value = -infinity}},
       .params = {},
       .tags = {}}));
  const auto metrics = tracking.get_run(ada, run)->metrics;
  EXPECT_TRUE(std::isnan(metrics.at(0).value));
  EXPECT_EQ(metrics.at(1).value, std::numeric_limits<double>::max());
  EXPECT_EQ(metrics.at(2).value, std::numeric_limits<double>::lowest());
}

TEST_F(TrackingTest, a_history_is_read_in_pages_that_miss_and_repeat_nothing) {
  const auto run = world.run().info.id;
  Batch batch;
  for (int i = 0; i < 100; ++i)
    batch.metrics.push_back({.key = "m", .value = i / 4 + 0.5, .timestamp = i / 2, .step = i});
  ASSERT_TRUE(tracking.log_batch(ada, run, batch));
  std::vector<int64_t> steps;
  HistoryRange range{.key = "m", .limit = 7, .page_token = ""};
  do {
    const auto page = tracking.metric_history(ada, run, range);
    ASSERT_TRUE(page) << page.error().text();
    for (const auto& point : page->items) steps.push_back(point.step);
    range.page_token = page->next;
  } while (!range.page_token.empty());
  ASSERT_EQ(steps.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(steps[static_cast<size_t>(i)], i);
  range.page_token = "bm9uc2Vuc2U";
  EXPECT_FALSE(tracking.metric_history(ada, run, range));
}

TEST_F(TrackingTest, a_sample_keeps_the_first_and_last_point) {
  const auto run = world.run().info.id;
  Batch batch;
  for (int i = 0; i < 1000; ++i) batch.metrics.push_back({.key = "m", .value = 1.0 * i, .timestamp = i, .step = i});
  ASSERT_TRUE(tracking.log_batch(ada, run, batch));
  const auto points =
      tracking.sampled_history(ada, {.run_ids = {run}, .key = "m", .start_step = 10, .end_step = 900, .points = 20});
  ASSERT_TRUE(points) << points.error().text();
  EXPECT_LE(points->size(), 21U);
  EXPECT_EQ(points->front().step, 10);
  EXPECT_EQ(points->back().step, 900);
  EXPECT_FALSE(tracking.sampled_history(
      ada, {.run_ids = {run}, .key = "m", .start_step = 10, .end_step = std::nullopt, .points = 20}));
}

TEST_F(TrackingTest, limits_are_reached_and_refused_one_further) {
  const auto run = world.run().info.id;
  EXPECT_TRUE(tracking.log_param(ada, run, {"p", std::string(bounds::param_value, 'x')}));
  EXPECT_FALSE(tracking.log_param(ada, run, {"q", std::string(bounds::param_value + 1, 'x')}));
  EXPECT_TRUE(tracking.set_tag(ada, run, {"t", std::string(bounds::tag_value, 'x')}));
  EXPECT_FALSE(tracking.set_tag(ada, run, {"t", std::string(bounds::tag_value + 1, 'x')}));
  EXPECT_TRUE(tracking.set_tag(ada, run, {std::string(bounds::key, 'k'), "v"}));
  EXPECT_FALSE(tracking.set_tag(ada, run, {std::string(bounds::key + 1, 'k'), "v"}));
  Batch batch;
  batch.metrics.resize(bounds::batch_metrics, {.key = "m"});
  EXPECT_TRUE(tracking.log_batch(ada, run, batch));
  batch.metrics.push_back({.key = "m"});
  EXPECT_NE(message(tracking.log_batch(ada, run, batch)).find("can contain at most 1000 metrics"), std::string::npos);
  batch.metrics.pop_back();
  batch.tags.push_back({"a", "b"});
  EXPECT_FALSE(tracking.log_batch(ada, run, batch));
}

TEST_F(TrackingTest, keys_must_be_plain_and_their_own_path) {
  const auto run = world.run().info.id;
  for (const auto* key : {"a/b", "a b.c-d:e", "loss"}) EXPECT_TRUE(tracking.log_metric(ada, run, {.key = key})) << key;
  for (const auto* key : {"", "../a", "/a", "a//b", "a/./b", "a*", "a\nb", ".", ".."})
    EXPECT_FALSE(tracking.log_metric(ada, run, {.key = key})) << key;
  EXPECT_FALSE(tracking.log_metric(ada, run, {.key = "m", .value = 1, .timestamp = -1}));
  EXPECT_EQ(tracking.get_run(ada, "../../etc").error().code(), Code::invalid);
  EXPECT_EQ(tracking.get_run(ada, "0123").error().code(), Code::not_found);
}

TEST_F(TrackingTest, a_dataset_of_millrace_is_linked_and_another_gets_its_own_node) {
  const auto run = world.run().info;
  ASSERT_TRUE(world.journal.write(ada, [](store::Session&) -> Result<lineage::Change> {
    lineage::Change change{.kind = "dataset.added"};
    change.nodes.push_back({.id = "dataset:flights@3", .digest = "sha256:0123456789abcdef"});
    change.nodes.push_back({.id = "dataset:weather@1", .digest = "sha256:ffff"});
    return change;
  }));
  const DatasetInput by_source{{"f", "d1", "code", "millrace:dataset:flights@3", "", ""}, {}};
  const DatasetInput by_digest{{"flights", "0123456789ab", "code", "x", "", ""}, {}};
  const DatasetInput other{{"frame", "abc", "local", "{}", "", ""},
                           {{"mlflow.data.context", "training"}, {"source.weather@1", "sha256:ffff"}}};
  ASSERT_TRUE(tracking.log_inputs(ada, run.id, {by_source, by_digest, other, other}, {}));
  const auto edges = world.store.query("SELECT source, target FROM edges ORDER BY source");
  ASSERT_EQ(edges->size(), 3U);
  EXPECT_EQ(edges->at(0).text(0), "dataset:flights@3");
  EXPECT_EQ(edges->at(0).text(1), run.node());
  EXPECT_EQ(edges->at(1).text(0), "dataset:mlflow/frame@abc");
  EXPECT_EQ(edges->at(2).text(0), "dataset:weather@1");
  EXPECT_EQ(edges->at(2).text(1), "dataset:mlflow/frame@abc");
  const auto read = *tracking.get_run(ada, run.id);
  ASSERT_EQ(read.datasets.size(), 3U);
  EXPECT_EQ(read.datasets[2].tags.size(), 2U);
  const DatasetInput missing{{"f", "d2", "code", "millrace:dataset:flights@9", "", ""}, {}};
  EXPECT_EQ(tracking.log_inputs(ada, run.id, {missing}, {}).error().code(), Code::not_found);
}

TEST_F(TrackingTest, a_logged_model_is_made_filled_and_finalized) {
  const auto run = world.run().info;
  const auto model = tracking.create_model(ada, {.experiment_id = "0",
                                                 .name = "late",
                                                 .model_type = "",
                                                 .source_run_id = run.id,
                                                 .tags = {{"a", "1"}},
                                                 .params = {{"p", "1"}}});
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ(model->status, "LOGGED_MODEL_PENDING");
  EXPECT_EQ(model->artifact_uri, "mlflow-artifacts:/0/models/" + model->id + "/artifacts");
  ASSERT_TRUE(tracking.finalize_model(ada, model->id, "LOGGED_MODEL_READY"));
  ASSERT_TRUE(tracking.log_outputs(ada, run.id, {{model->id, 3}}));
  ASSERT_TRUE(tracking.log_metric(ada, run.id,
                                  {.key = "auc", .value = 0.75, .timestamp = 1, .step = 3, .model_id = model->id}));
  ASSERT_TRUE(tracking.set_model_tags(ada, model->id, {{"a", "2"}}));
  EXPECT_FALSE(tracking.log_model_params(ada, model->id, {{"p", "2"}}));
  const auto read = *tracking.get_model(ada, model->id);
  EXPECT_EQ(read.status, "LOGGED_MODEL_READY");
  EXPECT_EQ(value_of(read.tags, "a"), "2");
  EXPECT_EQ(read.metrics.at(0).value, 0.75);
  EXPECT_EQ(tracking.get_run(ada, run.id)->model_outputs.at(0).model_id, model->id);
  Search search{.experiment_ids = {"0"},
                .filter = "name = 'late' AND source_run_id = '" + run.id + "' AND metrics.auc > 0.7"};
  EXPECT_EQ(tracking.search_models(ada, {search})->items.size(), 0U + 1U);
  ASSERT_TRUE(tracking.delete_model(ada, model->id));
  EXPECT_EQ(tracking.get_model(ada, model->id).error().code(), Code::not_found);
  EXPECT_TRUE(tracking.get_model(ada, model->id, View::all));
}

TEST_F(TrackingTest, models_are_found_by_what_they_reached_on_a_dataset) {
  const auto run = world.run().info.id;
  std::vector<std::string> ids;
  for (const auto* name : {"a", "b"}) {
    ids.push_back(
        tracking
            .create_model(
                ada,
                {.experiment_id = "0", .name = name, .model_type = "", .source_run_id = run, .tags = {}, .params = {}})
            ->id);
    store_on(run, ids.back(), "june", ids.size() == 1 ? 0.9 : 0.5, 1);
  }
  store_on(run, ids[0], "july", 0.1, 2);
  const auto names = [&](const std::string& filter, const std::vector<OnDataset>& datasets) {
    const auto page = tracking.search_models(
        ada, {.experiment_ids = {"0"}, .filter = filter, .order_by = {"name ASC"}, .datasets = datasets});
    if (!page) return page.error().message();
    std::string out;
    for (const auto& model : page->items) out += model.name;
    return out;
  };
  EXPECT_EQ(names("metrics.auc > 0.7", {}), "a");  // any of its points
  EXPECT_EQ(names("metrics.auc > 0.7", {{"june", ""}}), "a");
  EXPECT_EQ(names("metrics.auc < 0.7", {{"june", ""}, {"july", "d"}}), "ab");
  EXPECT_EQ(names("", {{"july", ""}}), "a");
  EXPECT_EQ(names("", {{"july", "another"}}), "");
}

TEST_F(TrackingTest, models_are_ordered_by_what_they_reached_on_a_dataset) {
  const auto run = world.run().info.id;
  const double june[] = {0.5, 0.9, 0.7}, july[] = {0.8, 0.2, 0.6};
  for (size_t i = 0; i < 3; ++i) {
    const std::string name(1, static_cast<char>('a' + i));
    const auto id = tracking.create_model(ada, {.experiment_id = "0", .name = name, .source_run_id = run})->id;
    store_on(run, id, "june", june[i], 1);
    store_on(run, id, "july", july[i], 2);
  }
  ASSERT_TRUE(tracking.create_model(ada, {.experiment_id = "0", .name = "d", .source_run_id = run}));
  const auto names = [&](const std::vector<std::string>& order, const std::vector<OnDataset>& on) {
    const auto page =
        tracking.search_models(ada, {.experiment_ids = {"0"}, .filter = "", .order_by = order, .order_on = on});
    if (!page) return page.error().message();
    std::string out;
    for (const auto& model : page->items) out += model.name;
    return out;
  };
  EXPECT_EQ(names({"metrics.auc DESC"}, {}), "acbd");  // the newest point of each
  EXPECT_EQ(names({"metrics.auc DESC"}, {{"", ""}}), "acbd");
  EXPECT_EQ(names({"metrics.auc DESC"}, {{"june", ""}}), "bcad");
  EXPECT_EQ(names({"metrics.auc ASC"}, {{"june", "d"}}), "acbd");
  EXPECT_EQ(names({"metrics.auc ASC", "name DESC"}, {{"june", "another"}, {"", ""}}), "dcba");
}

TEST_F(TrackingTest, workspaces_do_not_see_each_other) {
  const auto run = world.run("mine").info.id;
  Caller other = ada;
  other.workspace = "other";
  EXPECT_EQ(tracking.get_run(other, run).error().code(), Code::not_found);
  EXPECT_EQ(tracking.set_tag(other, run, {"a", "b"}).error().code(), Code::not_found);
  EXPECT_TRUE(tracking.search_runs(other, {.experiment_ids = {"0"}})->items.empty());
}

TEST_F(TrackingTest, artifacts_are_lines_of_the_journal) {
  const auto run = world.run().info;
  const auto lines = world.journal_lines();
  const auto root = Tracking::artifact_path(run.artifact_uri);
  ASSERT_TRUE(tracking.put_artifact_text(ada, root + "/a/b.txt", "hello"));
  EXPECT_EQ(world.journal_lines(), lines + 1);
  EXPECT_EQ(world.store.query("SELECT node FROM journal ORDER BY sequence DESC LIMIT 1")->at(0).text(0), run.node());
  EXPECT_EQ(tracking.list_below(ada, run.artifact_uri, "a")->at(0).path, "b.txt");
  EXPECT_FALSE(tracking.list_below(ada, run.artifact_uri, "../.."));
  ASSERT_TRUE(tracking.delete_artifacts(ada, root + "/a"));
  EXPECT_TRUE(tracking.list_below(ada, run.artifact_uri, "")->empty());
}

}  // namespace
}  // namespace millrace::track
