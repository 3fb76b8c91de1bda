#include "track/manifest.h"

#include "track/frozen.h"
#include "track/testing.h"

namespace millrace::track {
namespace {

struct ManifestTest : ::testing::Test {
  testing::Tracked world;
  Result<Manifest> of(const std::string& path) { return manifest_of(world.tracking.artifacts(), "default", path); }
  void put(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(world.tracking.put_artifact_text(world.ada, path, bytes));
  }
};

TEST_F(ManifestTest, names_every_file_and_changes_with_each) {
  put("0/r/artifacts/model/MLmodel", "flavors: {}");
  put("0/r/artifacts/model/data/weights.bin", "abc");
  const auto one = of("0/r/artifacts/model");
  ASSERT_TRUE(one) << one.error().text();
  ASSERT_EQ(one->files.size(), 2U);
  EXPECT_EQ(one->files[0].path, "MLmodel");
  EXPECT_EQ(one->files[1].path, "data/weights.bin");
  EXPECT_EQ(one->files[1].size, 3);
  EXPECT_EQ(one->digest(), digest_of(one->text()));
  put("0/r/artifacts/model/data/weights.bin", "abd");
  EXPECT_NE(of("0/r/artifacts/model")->digest(), one->digest());
  put("0/r/artifacts/model/data/weights.bin", "abc");
  EXPECT_EQ(of("0/r/artifacts/model")->digest(), one->digest());
  EXPECT_EQ(of("0/r/artifacts/model/MLmodel")->files.at(0).path, "MLmodel") << "a single file";
  EXPECT_TRUE(of("0/none")->files.empty());
  EXPECT_EQ(of("").error().code(), Code::invalid);
}

TEST_F(ManifestTest, frozen_files_are_not_written_nor_removed_with_what_is_above_them) {
  put("0/r/artifacts/model/MLmodel", "x");
  ASSERT_TRUE(world.store.database->write([](store::Session& session) {
    return freeze(session, "default", Frozen::files, "0/r/artifacts/model", "model:late@1");
  }));
  const auto refused = world.tracking.put_artifact_text(world.ada, "0/r/artifacts/model/MLmodel", "y");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::conflict);
  EXPECT_EQ(refused.error().message(), "'0/r/artifacts/model' is read-only: model:late@1 stands on it");
  EXPECT_NE(refused.error().hint().find("delete version 1 of the model 'late' first"), std::string::npos);
  EXPECT_FALSE(world.tracking.put_artifact_text(world.ada, "0/r/artifacts/model", "y"));
  for (const auto* path : {"0", "0/r", "0/r/artifacts/model", "0/r/artifacts/model/MLmodel", "0/r/artifacts/"})
    EXPECT_FALSE(world.tracking.delete_artifacts(world.ada, path)) << path;
  EXPECT_TRUE(world.tracking.put_artifact_text(world.ada, "0/r/artifacts/model2/x", "y"));
  EXPECT_FALSE(world.tracking.put_artifact_text(world.ada, "registered/late/1/x", "y"));
  ASSERT_TRUE(
      world.store.database->write([](store::Session& session) { return thaw(session, "default", "model:late@1"); }));
  EXPECT_TRUE(world.tracking.delete_artifacts(world.ada, "0/r"));
}

TEST_F(ManifestTest, a_frozen_run_still_ends_and_then_takes_nothing_but_notes) {
  const auto run = world.run();
  ASSERT_TRUE(world.store.database->write(
      [&](store::Session& session) { return freeze(session, "default", Frozen::run, run.info.id, "model:late@1"); }));
  EXPECT_TRUE(world.tracking.log_param(world.ada, run.info.id, {"depth", "3"}));
  EXPECT_FALSE(world.tracking.delete_run(world.ada, run.info.id));
  EXPECT_FALSE(world.tracking.delete_experiment(world.ada, "0"));
  ASSERT_TRUE(world.tracking.update_run(world.ada, run.info.id, {.status = "FINISHED", .name = {}, .end_time = 5}));
  EXPECT_EQ(world.tracking.log_param(world.ada, run.info.id, {"more", "3"}).error().code(), Code::conflict);
  EXPECT_FALSE(world.tracking.update_run(world.ada, run.info.id, {.status = "RUNNING", .name = {}, .end_time = {}}));
  EXPECT_FALSE(world.tracking.set_tag(world.ada, run.info.id, {"verdict", "good"}));
  EXPECT_TRUE(world.tracking.set_tag(world.ada, run.info.id, {"mlflow.note.content", "seen"}));
}

}  // namespace
}  // namespace millrace::track
