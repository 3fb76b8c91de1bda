#include "track/gc/collect.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/limits/transfer_limits.h"
#include "track/testing.h"

namespace millrace::track {
namespace {

constexpr Micros kDay = 24LL * 3'600 * 1'000'000;

class CollectTest : public ::testing::Test {
 protected:
  testing::Tracked world;
  Tracking& tracking = world.tracking;
  Caller& ada = world.ada;
  std::unique_ptr<store::Blobs> blobs =
      std::move(*store::open_file_blobs(world.store.folder / "blobs", world.store.world.context));
  Collector collector{
      {*world.store.database, world.journal, world.store.world.context, tracking, *blobs, "this-server"}};

  std::string run_with_all(const std::string& experiment = "0") {
    const auto run = world.run("", experiment).info;
    EXPECT_TRUE(tracking.log_metric(ada, run.id, {.key = "m", .value = 1, .timestamp = 1, .step = 1}));
    EXPECT_TRUE(tracking.log_metric(ada, run.id, {.key = "n", .value = 1, .timestamp = 1, .step = 1}));
    Batch batch{.metrics = {}, .params = {{"p", "1"}}, .tags = {{"t", "1"}}};
    for (int64_t i = 0; i < 300; ++i)  // enough for a chunk
      batch.metrics.push_back({.key = "long", .value = static_cast<double>(i), .timestamp = i, .step = i});
    EXPECT_TRUE(tracking.log_batch(ada, run.id, batch));
    EXPECT_TRUE(tracking.put_artifact_text(ada, Tracking::artifact_path(run.artifact_uri) + "/a/b.txt", "hello"));
    return run.id;
  }
  void pass(Micros time) { world.store.world.clock.advance(time); }
  std::vector<std::string> swept(const GcOrder& order = {.older_than = 30 * kDay}) {
    std::vector<std::string> out;
    for (bool more = true; more;) {
      const auto done = collector.sweep(ada, order);
      EXPECT_TRUE(done) << done.error().text();
      if (!done) return out;
      for (const auto& item : done->items)
        out.push_back(item.kind + (item.kept_for.empty() ? "" : " for " + item.kept_for));
      more = done->more;
    }
    return out;
  }
  int64_t rows_of(const std::string& run) {
    int64_t total = 0;
    for (const std::string table :
         {"track_run_tags", "track_params", "track_metrics", "track_metric_chunks", "track_latest_metrics"})
      total += world.store.number("SELECT count(*) FROM " + table + " WHERE run_id = '" + run + "'");
    return total;
  }
};

TEST_F(CollectTest, what_was_deleted_long_ago_goes_with_all_that_belonged_to_it) {
  const auto run = run_with_all(), other = run_with_all();
  ASSERT_TRUE(tracking.delete_run(ada, run));
  pass(30 * kDay - 1);
  EXPECT_TRUE(swept().empty());
  pass(1);
  EXPECT_EQ(collector.look(ada, {.older_than = 30 * kDay})->items.at(0).id, run);
  EXPECT_GT(rows_of(run), 0);  // looking changes nothing
  EXPECT_EQ(world.store.number("SELECT count(*) FROM track_metric_chunks"), 2);
  EXPECT_EQ(swept(), std::vector<std::string>{"run"});
  EXPECT_EQ(rows_of(run), 0);
  EXPECT_EQ(tracking.get_run(ada, run).error().code(), Code::not_found);
  EXPECT_TRUE(tracking.artifacts().list("default", "0/" + run + "/artifacts")->empty());
  EXPECT_EQ(world.store.number("SELECT count(*) FROM track_artifacts"), 1);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM gc_marks"), 0);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM journal WHERE kind = 'gc.removed'"), 1);
  EXPECT_GT(rows_of(other), 0);
  EXPECT_EQ(tracking.artifacts().list("default", "0/" + other + "/artifacts")->size(), 1U);
  EXPECT_TRUE(swept().empty());
}

TEST_F(CollectTest, what_comes_back_between_mark_and_sweep_stays) {
  const auto run = run_with_all();
  ASSERT_TRUE(tracking.delete_run(ada, run));
  pass(30 * kDay);
  EXPECT_TRUE(swept({.older_than = 30 * kDay, .grace = kDay}).empty());
  EXPECT_EQ(world.store.number("SELECT count(*) FROM gc_marks"), 1);
  ASSERT_TRUE(tracking.restore_run(ada, run));
  pass(2 * kDay);
  EXPECT_TRUE(swept({.older_than = 30 * kDay, .grace = kDay}).empty());
  EXPECT_EQ(world.store.number("SELECT count(*) FROM gc_marks"), 0);
  EXPECT_EQ(tracking.artifacts().list("default", "0/" + run + "/artifacts")->size(), 1U);
  ASSERT_TRUE(tracking.delete_run(ada, run));  // the time counts anew
  EXPECT_TRUE(swept().empty());
}

TEST_F(CollectTest, a_mark_waits_for_its_grace) {
  ASSERT_TRUE(tracking.delete_run(ada, run_with_all()));
  pass(30 * kDay);
  EXPECT_TRUE(swept({.older_than = 30 * kDay, .grace = kDay}).empty());
  pass(kDay);
  EXPECT_EQ(swept({.older_than = 30 * kDay, .grace = kDay}), std::vector<std::string>{"run"});
}

TEST_F(CollectTest, what_a_version_or_a_living_model_came_of_is_kept) {
  const auto used = run_with_all(), source = run_with_all();
  ASSERT_TRUE(world.store.execute(
      "INSERT INTO edges VALUES ('default', 'run:' || ?, 'model:late@1', 'logged_by', '[]', '', 1)", {used}));
  const auto model = tracking.create_model(ada, {.experiment_id = "0", .source_run_id = source});
  ASSERT_TRUE(model) << model.error().text();
  ASSERT_TRUE(tracking.delete_run(ada, used));
  ASSERT_TRUE(tracking.delete_run(ada, source));
  pass(31 * kDay);
  auto kept = swept();
  std::sort(kept.begin(), kept.end());
  EXPECT_EQ(kept, (std::vector<std::string>{"run for artifact:" + model->id, "run for model:late@1"}));
  EXPECT_GT(rows_of(used), 0);
  ASSERT_TRUE(tracking.delete_model(ada, model->id));
  pass(31 * kDay);
  kept = swept();
  std::sort(kept.begin(), kept.end());
  EXPECT_EQ(kept, (std::vector<std::string>{"model", "run", "run for model:late@1"}));
}

TEST_F(CollectTest, an_experiment_goes_when_it_is_empty) {
  const auto experiment =
      *tracking.create_experiment(ada, {.name = "flights", .artifact_location = "", .tags = {{"a", "b"}}});
  const auto run = run_with_all(experiment);
  ASSERT_TRUE(tracking.delete_experiment(ada, experiment));
  pass(31 * kDay);
  EXPECT_EQ(swept(), (std::vector<std::string>{"run", "experiment"}));
  EXPECT_EQ(tracking.get_experiment(ada, experiment).error().code(), Code::not_found);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM track_experiment_tags"), 0);
  // Its name is free again, its number is not.
  EXPECT_NE(*tracking.create_experiment(ada, {.name = "flights", .artifact_location = "", .tags = {}}), experiment);
}

TEST_F(CollectTest, what_was_deleted_before_times_were_kept_counts_from_now) {
  const auto run = run_with_all();
  ASSERT_TRUE(tracking.delete_run(ada, run));
  ASSERT_TRUE(world.store.execute("UPDATE track_runs SET deleted_at = 0"));
  pass(31 * kDay);
  EXPECT_TRUE(swept().empty());
  pass(31 * kDay);
  EXPECT_EQ(swept(), std::vector<std::string>{"run"});
}

TEST_F(CollectTest, other_workspaces_are_left_alone) {
  const auto run = run_with_all();
  ASSERT_TRUE(tracking.delete_run(ada, run));
  pass(31 * kDay);
  ada.workspace = "other";
  EXPECT_TRUE(swept().empty());
  ada.workspace = "default";
  EXPECT_EQ(swept().size(), 1U);
}

TEST_F(CollectTest, files_only_takes_expired_uploads_alone) {
  const auto run = run_with_all();
  ASSERT_TRUE(tracking.delete_run(ada, run));
  ASSERT_TRUE(tracking.create_upload(ada, "1/f", 1));
  pass(31 * kDay);
  const GcOrder order{.older_than = 30 * kDay, .files_only = true};
  EXPECT_EQ(collector.look(ada, order)->uploads, 1);
  const auto done = collector.sweep(ada, order);
  EXPECT_EQ(done->uploads, 1);
  EXPECT_TRUE(done->items.empty());
  EXPECT_GT(rows_of(run), 0);
}

TEST_F(CollectTest, what_died_half_way_goes_when_nobody_has_touched_it_for_long) {
  pass(system_clock().now() - world.store.world.clock.now());  // the times of files are of this world
  ASSERT_TRUE(tracking.create_upload(ada, "1/f", 1));
  const auto known = world.store.query("SELECT id FROM track_uploads")->at(0).text(0);
  const std::string parts = world.store.folder / "artifacts/.millrace-uploads/";
  for (const auto& id : {known, std::string(32, 'a')}) {
    ASSERT_TRUE(make_folders(parts + id));
    ASSERT_TRUE(write_file(parts + id + "/1", "x"));
  }
  const std::string copy = world.store.folder / "artifacts/.millrace-incoming/abcdef";
  ASSERT_TRUE(make_folders(parent_of(copy)));
  ASSERT_TRUE(write_file(copy, "x"));
  const GcOrder order{.files_only = true};
  EXPECT_EQ(collector.look(ada, order)->leftovers, 1);  // the copy may be under way
  pass(limits::idle_us + 2'000'000);
  EXPECT_EQ(collector.look(ada, order)->leftovers, 2);
  EXPECT_TRUE(exists(copy));
  EXPECT_EQ(collector.sweep(ada, order)->leftovers, 2);
  EXPECT_FALSE(exists(copy));
  EXPECT_FALSE(exists(parts + std::string(32, 'a')));
  EXPECT_TRUE(exists(parts + known + "/1"));
  EXPECT_EQ(collector.sweep(ada, order)->leftovers, 0);
}

// A version under its model's name, and the line that says what it came of.
void version_of(testing::Tracked& world, const std::string& run, const std::string& name) {
  const auto line = world.journal.write(world.ada, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(
        const auto rows,
        session.execute("INSERT INTO model_versions (workspace, model, version, identity, run_id, stage_node, "
                        "author, digests, files, facts, created_at) VALUES ('default', ?, 1, 'x', ?, '', 'ada', "
                        "'{}', '{}', '{}', 1)",
                        {name, run}));
    (void)rows;
    lineage::Change change{.kind = "model.version.created", .node = "model:" + name + "@1"};
    change.nodes.push_back({.id = change.node});
    change.edges.push_back({.source = "run:" + run, .target = change.node, .kind = "logged_by", .run = run});
    return change;
  });
  ASSERT_TRUE(line) << line.error().text();
}

TEST_F(CollectTest, what_a_version_came_of_stays_as_long_as_the_version) {
  const auto run = run_with_all();
  version_of(world, run, "planes");
  ASSERT_TRUE(tracking.delete_run(ada, run));
  pass(30 * kDay);
  EXPECT_EQ(swept(), std::vector<std::string>{"run for model:planes@1"});
  const auto renamed = world.journal.write(ada, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto rows, session.execute("UPDATE model_versions SET model = 'jets' WHERE model = 'planes'"));
    (void)rows;
    lineage::Change change{.kind = "model.renamed", .node = "model:jets@1"};
    change.nodes.push_back({.id = "model:jets@1"});
    change.edges.push_back({.source = "model:planes@1", .target = "model:jets@1", .kind = "made_from"});
    return change;
  });
  ASSERT_TRUE(renamed) << renamed.error().text();
  EXPECT_EQ(swept(), std::vector<std::string>{"run for model:planes@1"}) << "it is there under another name";
  ASSERT_TRUE(
      world.store.execute("INSERT INTO releases (workspace, deployment, number, model, version, model_digest, "
                          "contract_blob, snapshot, restores, reason, subject, created_at, step, event_time) "
                          "VALUES ('default', 'd', 1, 'jets', 1, '', '', '{}', 0, '', '', 1, 'release', 1)"));
  ASSERT_TRUE(world.store.execute("UPDATE model_versions SET deleted_at = 5"));
  EXPECT_EQ(swept(), std::vector<std::string>{"run for model:planes@1"}) << "a rollback may want it";
  ASSERT_TRUE(world.store.execute("DELETE FROM releases"));
  EXPECT_EQ(swept(), std::vector<std::string>{"run"});
  EXPECT_EQ(tracking.get_run(ada, run).error().code(), Code::not_found);
}

}  // namespace
}  // namespace millrace::track
