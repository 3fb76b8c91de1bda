// kill -9 at every marked point of a move of traffic: what is recorded is live after the next start, what is not was
// never there.
#include "registry/testing.h"

namespace millrace::registry {
namespace {

using testing::kProject;
using testing::kState;
using testing::kStep;

Result<Release> move(Registry& models, const Project& project, const std::string& step) {
  const auto spec = read_deployments(project)->at(0);
  const Caller bob{.subject = "bob", .roles = {"approver"}};
  const Move first{.why = "it is better", .version = 1}, second{.why = "it is better", .version = 2, .share = 0.1};
  const Move canary{.why = "it is better"};
  if (step == "release") return models.release(bob, project, spec, first);
  if (step == "shadow") return models.shadow(bob, project, spec, second);
  if (step == "canary") return models.canary(bob, project, spec, second);
  if (step == "promote") return models.promote(bob, project, spec, canary);
  return models.rollback(bob, spec.name, canary);
}

class TrafficCrash : public testing::RegistryTest {
 protected:
  std::string snapshot_file() const { return state / "serving/late/current.json"; }
  int64_t snapshot_release() const {
    const auto found = load_snapshot(snapshot_file());
    return found ? found->release : 0;
  }
  int64_t records() const { return static_cast<int64_t>(models->releases("default", "late")->size()); }

  void die(const std::string& step, const std::string& point) {
    RegistryTest::die("TrafficCrashChild.moves", step, point);
  }
};

TEST_F(TrafficCrash, the_first_release_is_repaired_at_the_next_start) {
  ready(1);
  die("release", "registry.release.after_record");
  EXPECT_FALSE(exists(snapshot_file()));
  ASSERT_TRUE(*models->current("default", "late"));
  ASSERT_TRUE(models->reconcile());
  EXPECT_EQ(snapshot_release(), 1);
}

TEST_F(TrafficCrash, a_record_is_live_after_the_next_start_and_no_record_leaves_the_one_before) {
  ready(1);
  ready(2);
  ASSERT_TRUE(released(1));
  int64_t expected = 1;
  const auto settled = [&](const std::string& where) {
    EXPECT_EQ(records(), expected) << where;
    ASSERT_TRUE(models->reconcile()) << where;
    EXPECT_EQ(snapshot_release(), expected) << where;
    const auto verdict = services->journal.verify();
    ASSERT_TRUE(verdict) << where;
    EXPECT_TRUE(verdict->intact) << where << verdict->reason;
  };
  for (const std::string point : {"before_record", "after_record", "before_snapshot", "after_snapshot"})
    for (const std::string step : {"shadow", "canary", "promote", "rollback"}) {
      const bool recorded = point != "before_record";
      die(step, "registry.release." + point);
      EXPECT_EQ(snapshot_release(), point == "after_snapshot" ? expected + 1 : expected) << step << " " << point;
      expected += recorded ? 1 : 0;
      settled(step + " " + point);
      if (recorded) {
        EXPECT_EQ((*models->current("default", "late"))->step, step);
        continue;
      }
      const auto done = move(*models, loaded(), step);
      ASSERT_TRUE(done) << step << done.error().text();
      ++expected;
      settled(step + " again");
    }
}

// Not a test by itself: those above start this program again with only this one.
TEST(TrafficCrashChild, moves) {
  const char* project = std::getenv(kProject);
  const char* state = std::getenv(kState);
  const char* step = std::getenv(kStep);
  if (project == nullptr || state == nullptr || step == nullptr) return;
  testing::World world;
  testing::PipelineState services(state, world.context);
  const std::string folder = state, word = step;
  Registry models({*services.database, *services.blobs, services.journal, world.context, *services.engines,
                   services.datasets, services.pipelines, services.tracking, folder + "/serving", folder + "/tmp"});
  const auto read = load_project(project);
  ASSERT_TRUE(read) << read.error().text();
  const auto done = move(models, *read, word);
  FAIL() << word << (done ? " ended without dying" : ": " + done.error().text());
}

}  // namespace
}  // namespace millrace::registry
