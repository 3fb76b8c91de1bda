#include "registry/testing.h"

namespace millrace::registry {
namespace {

using testing::kProject;
using testing::kState;
using testing::kStep;

// A model that the project names, with protected aliases; `ada` asks, `bob` and `eve` approve.
class Requests : public testing::RegistryTest {
 protected:
  Caller ada{.workspace = "default", .subject = "ada", .roles = {"writer"}, .via = "mlflow"};

  void SetUp() override {
    RegistryTest::SetUp();
    deployments = "registry: {protected: [champion]}\n";
    registered_versions();
  }
  void registered_versions() {
    for (int trees = 1; trees <= 2; ++trees) {
      write_project(trees);
      registered();
    }
  }
  Result<void> set(int64_t version, const Caller& by) {
    const auto project = loaded();
    return models->set_alias(by, &project, {.model = "late", .name = "champion", .version = version, .deployment = {}});
  }
  Result<ChangeRequest> approve(const std::string& id, const Caller& by) {
    const auto project = loaded();
    return models->approve_request(by, &project, id, "it holds up");
  }
  int64_t champion() {
    const auto project = loaded();
    const auto now = models->alias_at("default", &project, "late", "champion", world.clock.now());
    return now && *now ? (*now)->version : 0;
  }
  std::string state_of(const std::string& id) { return models->request("default", id)->state; }

  void die(const std::string& step, const std::string& point) {
    RegistryTest::die("RequestCrashChild.moves", step, point);
  }
};

TEST_F(Requests, the_plain_call_makes_one_request_and_its_approval_carries_it_out) {
  const auto refused = set(1, ada);
  EXPECT_EQ(said(refused),
            "denied: alias 'champion' of the model 'late' is protected: request cr-1 asks for version 1; it has 0 of "
            "1 approval by the role 'approver'");
  EXPECT_NE(refused.error().hint().find("millrace model approve cr-1"), std::string::npos);
  EXPECT_FALSE(set(1, ada));
  EXPECT_EQ(count("model.request.opened"), 1);
  EXPECT_EQ(models->request("default", "cr-1")->digests.at("report").get<std::string>().substr(0, 7), "sha256:");
  EXPECT_EQ(said(approve("cr-1", ada)), "denied: ada may not approve cr-1: that takes the role 'approver'");
  EXPECT_EQ(shown(approve("cr-1", bob)).state, "done");
  EXPECT_EQ(champion(), 1);
  EXPECT_EQ(models->get("default", "late", 1)->state, "approved") << "it is an approval of the version, too";
  EXPECT_EQ(said(approve("cr-1", eve)).substr(0, 25), "conflict: cr-1 is done, b");
  EXPECT_EQ(said(approve("cr-9", eve)), "not_found: there is no request 'cr-9'");
  EXPECT_TRUE(set(1, ada)) << "it stands there already";
}

TEST_F(Requests, the_author_has_no_voice_and_the_machine_is_one_person) {
  EXPECT_FALSE(set(1, bob));
  EXPECT_EQ(said(approve("cr-1", bob)), "denied: bob asked for cr-1 and may not approve it");
  EXPECT_FALSE(set(2, joe));
  const Caller other{.workspace = "default", .subject = "local:ann", .roles = {"admin"}, .via = "cli"};
  EXPECT_EQ(said(approve("cr-2", other)), "denied: local:ann has no token and is never a second voice for cr-2");
  EXPECT_EQ(shown(approve("cr-1", joe)).state, "done");
}

TEST_F(Requests, a_gate_that_fails_is_told_and_cannot_be_approved) {
  bad_rows();
  registered();
  EXPECT_NE(said(set(2, ada)).find("; the gate auc failed: "), std::string::npos) << said(set(2, ada));
  EXPECT_TRUE(said(approve("cr-1", bob)).starts_with("rejected: model:late@2 cannot be approved: the gate"));
  EXPECT_EQ(champion(), 0);
}

TEST_F(Requests, a_request_expires) {
  EXPECT_FALSE(set(1, ada));
  world.clock.advance(14LL * 86'400'000'000);
  EXPECT_EQ(state_of("cr-1"), "expired");
  EXPECT_TRUE(said(approve("cr-1", bob)).starts_with("conflict: cr-1 is expired"));
  EXPECT_NE(said(set(1, ada)).find("request cr-2"), std::string::npos);
}

TEST_F(Requests, of_two_that_are_approved_the_first_wins) {
  EXPECT_FALSE(set(1, ada));
  EXPECT_FALSE(set(2, ada));
  EXPECT_TRUE(approve("cr-2", bob));
  const auto late = said(approve("cr-1", eve));
  EXPECT_TRUE(late.starts_with("conflict: 'champion' of the model 'late' is version 2 since ")) << late;
  EXPECT_NE(late.find("by bob"), std::string::npos) << late;
  EXPECT_EQ(state_of("cr-1"), "overtaken");
  EXPECT_EQ(champion(), 2);
}

TEST_F(Requests, a_death_between_approval_and_move_is_finished_by_asking_again) {
  EXPECT_FALSE(set(1, ada));
  die("approve", "registry.request.after_approval");
  EXPECT_EQ(state_of("cr-1"), "approved");
  EXPECT_EQ(champion(), 0);
  EXPECT_TRUE(set(1, ada));
  EXPECT_EQ(champion(), 1);
  EXPECT_EQ(state_of("cr-1"), "done");
  EXPECT_EQ(count("model.alias.set"), 1);
  EXPECT_TRUE(services->journal.verify()->intact);
}

TEST_F(Requests, a_death_around_a_record_leaves_all_of_it_or_nothing) {
  die("ask", "registry.request.before_record");
  EXPECT_TRUE(models->requests("default", "", "")->empty());
  die("ask", "registry.request.after_record");
  EXPECT_EQ(models->requests("default", "", "")->size(), 1U);
  die("approve", "registry.alias.before_record");
  EXPECT_EQ(champion(), 0);
  die("approve", "registry.alias.after_record");
  EXPECT_EQ(champion(), 1);
  EXPECT_EQ(state_of("cr-1"), "done");
  EXPECT_EQ(count("model.alias.set"), 1);
}

TEST_F(Requests, a_death_around_a_clients_version_leaves_all_of_it_or_nothing) {
  ASSERT_TRUE(models->create_model(ada, {.name = "plain", .description = "", .tags = {}}));
  const auto run = services->tracking.create_run(ada, {});
  ASSERT_TRUE(run) << run.error().text();
  const auto folder = track::Tracking::artifact_path(run->info.artifact_uri) + "/m/";
  ASSERT_TRUE(services->tracking.put_artifact_text(ada, folder + "a.txt", "one"));
  const auto step = "register " + run->info.id;
  const auto before = count("model.version.created");
  die(step, "registry.version.before_record");
  EXPECT_EQ(count("model.version.created"), before);
  EXPECT_TRUE(services->tracking.put_artifact_text(ada, folder + "a.txt", "two")) << "nothing is frozen";
  die(step, "registry.version.after_record");
  EXPECT_EQ(count("model.version.created"), before + 1);
  EXPECT_EQ(shown(models->download_uri(ada, "plain", 1)), run->info.artifact_uri + "/m");
  const auto refused = services->tracking.put_artifact_text(ada, folder + "a.txt", "three");
  EXPECT_EQ(refused.error().code(), Code::conflict) << "what it stands on is frozen";
  EXPECT_TRUE(services->journal.verify()->intact);
}

TEST_F(Requests, a_bound_alias_is_asked_for_by_either_door_and_rolled_back_without) {
  deployments =
      "registry: {protected: [champion]}\ndeployments:\n  late: {model: late, unit: tailnum, alias: champion}\n";
  write_project(2);
  EXPECT_NE(said(set(1, ada)).find("request cr-1 asks for version 1"), std::string::npos);
  EXPECT_EQ(shown(approve("cr-1", bob)).state, "done");
  EXPECT_EQ((*models->current("default", "late"))->version, 1);
  EXPECT_NE(said(released(2)).find("denied: alias 'champion' of the model 'late' is protected: request cr-2"),
            std::string::npos);
  EXPECT_EQ(shown(approve("cr-2", eve)).state, "done");
  EXPECT_EQ(champion(), 2);
  ASSERT_TRUE(models->rollback(bob, "late", "worse"));
  EXPECT_EQ(champion(), 1);
  const auto project = loaded();
  EXPECT_EQ(models->alias_moves("default", &project, "late", "champion")->size(), 3U);
}

// Not a test by itself: those above start this program again with only this one.
TEST(RequestCrashChild, moves) {
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
  const Caller ada{.subject = "ada", .roles = {"writer"}}, bob{.subject = "bob", .roles = {"approver"}};
  if (word == "ask") {
    (void)models.set_alias(ada, &*read, {.model = "late", .name = "champion", .version = 1, .deployment = {}});
  } else if (word.starts_with("register ")) {
    const auto run = word.substr(std::string("register ").size());
    (void)models.create_version(ada, &*read, {.model = "plain", .source = "runs:/" + run + "/m", .run_id = run});
  } else {
    (void)models.approve_request(bob, &*read, "cr-1", "it holds up");
  }
  FAIL() << word << " ended without dying";
}

}  // namespace
}  // namespace millrace::registry
