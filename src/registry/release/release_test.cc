#include <sys/stat.h>

#include <fstream>

#include "lineage/graph.h"
#include "registry/testing.h"

namespace millrace::registry {
namespace {

using testing::RegistryTest;

class Releasing : public RegistryTest {
 protected:
  std::string snapshot_file() const { return state / "serving/late/current.json"; }
  ReleaseSnapshot live() {
    auto found = load_snapshot(snapshot_file());
    EXPECT_TRUE(found) << found.error().text();
    return found ? *found : ReleaseSnapshot{};
  }
};

TEST_F(Releasing, refuses_what_is_not_approved) {
  registered();
  EXPECT_EQ(said(released(1)), "rejected: model:late@1 cannot be released: its gates were not evaluated");
  evaluated(1);
  const auto refused = released(1);
  EXPECT_EQ(said(refused),
            "rejected: model:late@1 cannot be released: it has 0 of 1 approval for exactly these digests");
  EXPECT_EQ(refused.error().hint(), "millrace model approve late 1 --why TEXT");
  EXPECT_FALSE(exists(snapshot_file()));
  EXPECT_EQ(said(released(9)), "not_found: there is no version 9 of the model 'late'");
}

TEST_F(Releasing, refuses_a_failed_gate_by_name) {
  bad_rows();
  registered();
  evaluated(1);
  EXPECT_EQ(said(released(1)), "rejected: model:late@1 cannot be released: the gate auc failed");
}

TEST_F(Releasing, puts_files_and_the_snapshot_in_place) {
  ready(1);
  const auto release = shown(released(1));
  EXPECT_EQ(release.node(), "release:late@1");
  const auto snapshot = live();
  EXPECT_EQ(snapshot.release, 1);
  EXPECT_EQ(snapshot.unit, "tailnum");
  EXPECT_EQ(snapshot.stable.threshold, 0.5);
  EXPECT_EQ(snapshot.salt.size(), 32U);
  EXPECT_EQ(*digest_of_file(state / ("serving/late/" + snapshot.stable.file)), release.model_digest);
  EXPECT_TRUE(exists(state / ("serving/late/" + snapshot.stable.contract)));
  EXPECT_EQ(told, (std::vector<std::string>{"late"}));
  const auto walk = lineage::walk(*services->database, "default", release.node(), lineage::Direction::upstream);
  ASSERT_TRUE(walk);
  bool approval = false;
  for (const auto& node : walk->nodes) approval = approval || node.id.starts_with("approval:");
  EXPECT_TRUE(approval);
}

TEST_F(Releasing, what_is_live_is_not_released_again) {
  ready(1);
  ASSERT_TRUE(released(1));
  EXPECT_EQ(said(released(1)), "conflict: model:late@1 is live on 'late' already, by release:late@1");
  EXPECT_EQ(models->releases("default", "late")->size(), 1U);
  ASSERT_TRUE(remove_tree(state / "serving"));
  EXPECT_FALSE(released(1));
  EXPECT_EQ(live().release, 1) << "asking again mends what a full disk left undone";
}

TEST_F(Releasing, needs_a_reason) {
  ready(1);
  EXPECT_EQ(said(models->release(bob, loaded(), deployment(), 1, "")), "invalid: a release needs a reason");
  EXPECT_EQ(said(models->rollback(bob, "late", "")), "invalid: a rollback needs a reason");
}

TEST_F(Releasing, refuses_a_model_whose_bytes_changed) {
  ready(1);
  const auto digest = models->get("default", "late", 1)->digests.model;
  const auto path = *services->blobs->path_of(digest);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  std::ofstream(path, std::ios::binary) << "another model";
  const auto refused = released(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::corrupt) << refused.error().text();
  EXPECT_FALSE(*models->current("default", "late"));
}

TEST_F(Releasing, another_workspace_cannot_take_a_deployment) {
  ready(1);
  ASSERT_TRUE(released(1));
  caller.workspace = "other";
  bob.workspace = "other";
  ready(1);
  EXPECT_EQ(said(released(1)), "conflict: another workspace serves a deployment named 'late'");
}

TEST_F(Releasing, rollback_goes_back_step_by_step_and_no_further) {
  for (int trees = 1; trees <= 3; ++trees) {
    ready(trees);
    ASSERT_TRUE(released(trees));
  }
  const auto salt = live().salt;
  const auto first = shown(models->rollback(bob, "late", "too many alarms"));
  EXPECT_EQ(first.number, 4);
  EXPECT_EQ(first.version, 2);
  EXPECT_EQ(first.restores, 2);
  EXPECT_EQ(live().release, 4);
  EXPECT_EQ(live().stable.version, 2);
  EXPECT_EQ(live().salt, salt) << "units keep their arm";
  EXPECT_EQ(live().reason, "too many alarms");
  EXPECT_EQ(shown(models->rollback(bob, "late", "still")).version, 1);
  EXPECT_EQ(said(models->rollback(bob, "late", "still")),
            "rejected: release:late@5 cannot be rolled back: no other version was live on 'late' before it");
  EXPECT_EQ(shown(models->releases("default", "late")).front().number, 5);
  EXPECT_EQ(said(models->rollback(bob, "none", "why not")), "not_found: the deployment 'none' has no release");
}

TEST_F(Releasing, a_rollback_after_a_rollback_and_a_release_goes_to_what_was_live) {
  for (int trees = 1; trees <= 2; ++trees) {
    ready(trees);
    ASSERT_TRUE(released(trees));
  }
  ASSERT_TRUE(models->rollback(bob, "late", "worse"));
  ready(3);
  ASSERT_TRUE(released(3));
  EXPECT_EQ(shown(models->rollback(bob, "late", "worse")).version, 1);
}

TEST_F(Releasing, reconcile_repairs_a_missing_older_or_damaged_snapshot) {
  ready(1);
  ASSERT_TRUE(released(1));
  const auto old = *read_file(snapshot_file(), 1 << 20);
  ready(2);
  ASSERT_TRUE(released(2));
  told.clear();
  ASSERT_TRUE(models->reconcile());
  EXPECT_TRUE(told.empty()) << "nothing to repair";
  ASSERT_TRUE(write_file(snapshot_file(), old));
  ASSERT_TRUE(models->reconcile());
  EXPECT_EQ(live().release, 2);
  ASSERT_TRUE(write_file(snapshot_file(), "{"));
  ASSERT_TRUE(models->reconcile());
  EXPECT_EQ(live().release, 2);
  ASSERT_TRUE(remove_tree(state / "serving"));
  ASSERT_TRUE(models->reconcile());
  EXPECT_EQ(live().release, 2);
  EXPECT_TRUE(exists(state / ("serving/late/" + live().stable.file)));
  EXPECT_EQ(told.size(), 3U);
}

}  // namespace
}  // namespace millrace::registry
