// Arms: shadow, canary, promote, stop, and what a rollback does when they are on.
#include <cmath>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "core/hash.h"
#include "core/limits.h"
#include "lineage/graph.h"
#include "registry/testing.h"

namespace millrace::registry {
namespace {

using testing::RegistryTest;

class Traffic : public RegistryTest {
 protected:
  // Versions 1 .. count are approved, version 1 is live.
  void begin(int count) {
    for (int trees = 1; trees <= count; ++trees) ready(trees);
    ASSERT_TRUE(released(1));
    told.clear();
  }
  ReleaseSnapshot live() {
    auto found = load_snapshot(state / "serving/late/current.json");
    EXPECT_TRUE(found) << found.error().text();
    return found ? *found : ReleaseSnapshot{};
  }
  Move to(int64_t version) { return {.why = "to be tried", .version = version}; }
  Result<Release> shadow(int64_t version) { return models->shadow(bob, loaded(), deployment(), to(version)); }
  Result<Release> canary(int64_t version, double share) {
    auto move = to(version);
    move.share = share;
    return models->canary(bob, loaded(), deployment(), move);
  }
  Result<Release> promote(int64_t version = 0) { return models->promote(bob, loaded(), deployment(), to(version)); }
  Result<Release> stop() { return models->stop(bob, "late", {.why = "enough"}); }
  Result<Release> rollback() { return models->rollback(bob, "late", "worse"); }

  // "v1 canary v2 0.1 shadows v3 v4"
  static std::string arms_of(const Release& release) {
    std::string out = fmt::format("v{}", release.version);
    if (release.canary) out += fmt::format(" canary v{} {}", release.canary->version, release.canary_share);
    if (!release.shadows.empty()) out += " shadows";
    for (const auto& each : release.shadows) out += fmt::format(" v{}", each.version);
    return out;
  }
  std::string arms(const Result<Release>& release) { return release ? arms_of(*release) : said(release); }
  std::set<std::string> behind(const Release& release) {
    const auto walk = lineage::walk(*services->database, "default", release.node(), lineage::Direction::upstream, 1);
    std::set<std::string> out;
    if (walk)
      for (const auto& edge : walk->edges)
        out.insert(edge.kind == "approved_by" ? edge.kind + " " + edge.source.substr(0, edge.source.find('@'))
                                              : edge.kind + " " + edge.source);
    return out;
  }
};

TEST_F(Traffic, goes_from_shadow_to_canary_to_stable_and_back) {
  begin(2);
  const auto salt = live().salt;
  EXPECT_EQ(arms(shadow(2)), "v1 shadows v2");
  EXPECT_EQ(live().shadows.at(0).version, 2);
  EXPECT_EQ(live().shadows.at(0).threshold, 0.5);
  EXPECT_EQ(arms(canary(2, 0.1)), "v1 canary v2 0.1") << "what answers no longer listens";
  EXPECT_EQ(live().canary->version, 2);
  EXPECT_EQ(live().canary_share, 0.1);
  EXPECT_EQ(arms(canary(2, 0.5)), "v1 canary v2 0.5");
  EXPECT_EQ(arms(promote()), "v2");
  EXPECT_FALSE(live().canary);
  EXPECT_EQ(live().stable.version, 2);
  EXPECT_EQ(arms(rollback()), "v1");
  EXPECT_EQ(live().salt, salt) << "units keep their arm over all of them";
  EXPECT_EQ(told.size(), 5U);
  std::vector<std::string> steps;
  const auto past = shown(models->releases("default", "late"));
  for (const auto& release : past) steps.push_back(release.step);
  EXPECT_EQ(steps, (std::vector<std::string>{"rollback", "promote", "canary", "canary", "shadow", "release"}));
  EXPECT_EQ(past.front().restores, 1);
  for (const auto& file : {live().stable.file, live().stable.contract})
    EXPECT_TRUE(exists(state / ("serving/late/" + file))) << file;
}

TEST_F(Traffic, a_record_shows_every_arm) {
  begin(3);
  ASSERT_TRUE(shadow(3));
  const auto json = shown(canary(2, 0.25)).to_json();
  EXPECT_EQ(json["step"], "canary");
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["stable"]["version"], 1);
  EXPECT_EQ(json["canary"]["version"], 2);
  EXPECT_EQ(json["canary"]["share"], 0.25);
  EXPECT_EQ(json["shadows"][0]["version"], 3);
  const auto events = services->journal.read_after("default", 0, 1000);
  EXPECT_EQ(events->back().kind, "release.created");
  EXPECT_EQ(events->back().body["canary"]["model"], "late");
  const auto done = shown(stop()).to_json();
  EXPECT_EQ(done["canary"], nullptr);
  EXPECT_EQ(done["shadows"], Json::array());
}

TEST_F(Traffic, every_arm_and_its_approvals_stand_behind_the_release) {
  begin(3);
  ASSERT_TRUE(shadow(3));
  const std::set<std::string> all{"released_as model:late@1", "canary_as model:late@2", "shadow_as model:late@3",
                                  "approved_by approval:late.1", "approved_by approval:late.2"};
  EXPECT_EQ(behind(shown(canary(2, 0.1))), all) << "a shadow stands on no approval";
  EXPECT_EQ(behind(shown(promote())),
            (std::set<std::string>{"released_as model:late@2", "approved_by approval:late.2"}));
  EXPECT_EQ(behind(shown(rollback())),
            (std::set<std::string>{"released_as model:late@1", "approved_by approval:late.1"}));
}

TEST_F(Traffic, a_shadow_needs_its_gates_and_a_canary_its_approval) {
  begin(1);
  write_project(2);
  registered();
  EXPECT_EQ(said(shadow(2)), "rejected: model:late@2 cannot be a shadow: its gates were not evaluated");
  evaluated(2);
  EXPECT_EQ(said(canary(2, 0.1)),
            "rejected: model:late@2 cannot be released: it has 0 of 1 approval for exactly these digests");
  EXPECT_EQ(arms(shadow(2)), "v1 shadows v2");
  EXPECT_EQ(said(promote(2)),
            "rejected: model:late@2 cannot be released: it has 0 of 1 approval for exactly these digests");
  ASSERT_TRUE(approved(bob, 2));
  EXPECT_EQ(arms(promote(2)), "v2");
}

TEST_F(Traffic, a_canary_whose_evidence_changed_is_not_promoted) {
  begin(2);
  ASSERT_TRUE(canary(2, 0.1));
  gates = "[{auc: {min: 0.75}}, card_complete]";
  write_project(2);
  EXPECT_EQ(said(promote()),
            "rejected: model:late@2 cannot be released: the project asks for other gates or approvals than those that "
            "were evaluated");
  EXPECT_EQ(live().stable.version, 1);
}

TEST_F(Traffic, a_share_is_asked_for_or_the_projects) {
  begin(2);
  Move move = to(2);
  const auto refused = models->canary(bob, loaded(), deployment(), move);
  EXPECT_EQ(said(refused), "invalid: the canary of 'late' has no share");
  EXPECT_EQ(refused.error().where().field, "share");
  for (const double share : {0.0, 1.0, -0.1, 1.5, std::nan("")})
    EXPECT_EQ(canary(2, share).error().code(), Code::invalid) << share;
  deployments = "deployments:\n  late: {model: late, unit: tailnum, canary: {share: 0.2}}\n";
  write_project(2);
  EXPECT_EQ(arms(models->canary(bob, loaded(), deployment(), move)), "v1 canary v2 0.2");
}

TEST_F(Traffic, what_is_so_already_is_a_conflict_and_leaves_no_record) {
  begin(3);
  EXPECT_EQ(said(stop()), "conflict: 'late' has neither canary nor shadow, by release:late@1");
  EXPECT_EQ(said(promote()), "conflict: 'late' has no canary that could be promoted, by release:late@1");
  EXPECT_EQ(said(promote(2)), "conflict: model:late@2 is neither canary nor shadow of 'late', by release:late@1");
  EXPECT_EQ(said(shadow(1)), "conflict: model:late@1 is the stable arm of 'late' already, by release:late@1");
  EXPECT_EQ(said(canary(1, 0.1)), "conflict: model:late@1 is the stable arm of 'late' already, by release:late@1");
  ASSERT_TRUE(shadow(3));
  EXPECT_EQ(said(shadow(3)), "conflict: model:late@3 is a shadow of 'late' already, by release:late@2");
  ASSERT_TRUE(canary(2, 0.1));
  EXPECT_EQ(said(shadow(2)), "conflict: model:late@2 is the canary of 'late' already, by release:late@3");
  EXPECT_EQ(said(canary(2, 0.1)),
            "conflict: model:late@2 is the canary, with the share 0.1, of 'late' already, by release:late@3");
  EXPECT_EQ(said(promote(3)), "conflict: model:late@2 is the canary of 'late', not model:late@3");
  const auto again = released(1);
  EXPECT_EQ(said(again), "conflict: model:late@1 is live on 'late' already, by release:late@3");
  EXPECT_EQ(again.error().hint(), "to end its canary and shadows: millrace release stop late");
  EXPECT_EQ(models->releases("default", "late")->size(), 3U);
}

TEST_F(Traffic, needs_something_live_the_role_and_a_reason) {
  ready(1);
  EXPECT_EQ(said(shadow(1)), "not_found: the deployment 'late' has no release");
  EXPECT_EQ(said(canary(1, 0.1)), "not_found: the deployment 'late' has no release");
  EXPECT_EQ(said(promote()), "not_found: the deployment 'late' has no release");
  EXPECT_EQ(said(stop()), "not_found: the deployment 'late' has no release");
  ASSERT_TRUE(released(1));
  const Caller ada{.workspace = "default", .subject = "ada", .roles = {"writer"}, .via = "native"};
  const auto spec = deployment();
  const auto now = loaded();
  for (const auto& refused : {models->shadow(ada, now, spec, to(1)), models->canary(ada, now, spec, to(1)),
                              models->promote(ada, now, spec, to(1)), models->stop(ada, "late", to(0)),
                              models->rollback(ada, "late", to(0)), models->release(ada, now, spec, to(1))})
    EXPECT_EQ(said(refused), "denied: ada may not change what 'late' serves: that takes the role 'approver'");
  EXPECT_EQ(said(models->shadow(bob, now, spec, {.version = 1})), "invalid: a shadow needs a reason");
  EXPECT_EQ(said(models->promote(bob, now, spec, {})), "invalid: a promotion needs a reason");
  EXPECT_EQ(said(models->stop(bob, "late", {.why = " "})), "invalid: a stop needs a reason");
}

TEST_F(Traffic, has_a_limit_of_shadows) {
  begin(static_cast<int>(limits::release_shadows) + 2);
  for (size_t i = 0; i < limits::release_shadows; ++i) ASSERT_TRUE(shadow(static_cast<int64_t>(i) + 2));
  EXPECT_EQ(said(shadow(static_cast<int64_t>(limits::release_shadows) + 2)),
            "rejected: 'late' has 8 shadows, which is the most");
}

TEST_F(Traffic, a_rollback_with_a_canary_on_ends_it_and_keeps_the_stable_arm) {
  begin(3);
  ASSERT_TRUE(shadow(3));
  ASSERT_TRUE(canary(2, 0.1));
  const auto back = shown(rollback());
  EXPECT_EQ(arms_of(back), "v1");
  EXPECT_EQ(back.restores, 1) << "the release that had put version 1 on";
  EXPECT_EQ(said(rollback()),
            "rejected: release:late@4 cannot be rolled back: no other version was live on 'late' before it");
}

TEST_F(Traffic, a_rollback_with_a_shadow_on_goes_to_the_version_before) {
  begin(3);
  ASSERT_TRUE(released(2));
  ASSERT_TRUE(shadow(3));
  const auto back = shown(rollback());
  EXPECT_EQ(arms_of(back), "v1");
  EXPECT_EQ(back.restores, 1);
}

// v2 was taken back once: neither ending a canary nor a stop makes it the former version again.
TEST_F(Traffic, a_rollback_never_goes_forth_to_what_was_rolled_back) {
  begin(3);
  ASSERT_TRUE(released(2));
  ASSERT_TRUE(rollback());
  ASSERT_TRUE(canary(3, 0.1));
  EXPECT_EQ(arms(rollback()), "v1");
  EXPECT_EQ(said(rollback()),
            "rejected: release:late@5 cannot be rolled back: no other version was live on 'late' before it");
  ASSERT_TRUE(shadow(3));
  ASSERT_TRUE(stop());
  EXPECT_EQ(said(rollback()),
            "rejected: release:late@7 cannot be rolled back: no other version was live on 'late' before it");
  ASSERT_TRUE(released(3));
  EXPECT_EQ(arms(rollback()), "v1");
}

TEST_F(Traffic, a_rollback_passes_over_records_of_the_same_version) {
  begin(3);
  ASSERT_TRUE(canary(2, 0.1));
  ASSERT_TRUE(canary(2, 0.2));
  ASSERT_TRUE(promote());
  ASSERT_TRUE(shadow(3));
  ASSERT_TRUE(stop());
  ASSERT_TRUE(released(3));
  EXPECT_EQ(shown(rollback()).restores, 4);
  EXPECT_EQ(arms(rollback()), "v1");
}

TEST_F(Traffic, of_many_at_once_one_wins_and_the_others_are_told_who) {
  begin(2);
  ASSERT_TRUE(canary(2, 0.1));
  const auto now = loaded();
  const auto spec = deployment();
  std::mutex mutex;
  std::map<std::string, int> outcomes;
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i)
    callers.emplace_back([&, i] {
      Caller caller = bob;
      caller.subject = fmt::format("bob{}", i);
      const auto done = models->promote(caller, now, spec, to(0));
      const std::lock_guard lock(mutex);
      ++outcomes[done ? "ok" : std::string(name_of(done.error().code()))];
      if (!done) {
        EXPECT_NE(done.error().message().find("release:late@3"), std::string::npos) << done.error().text();
      }
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(outcomes, (std::map<std::string, int>{{"ok", 1}, {"conflict", 15}}));
  EXPECT_EQ(arms_of(*shown(models->current("default", "late"))), "v2");
  EXPECT_EQ(models->releases("default", "late")->size(), 3U);
  EXPECT_EQ(live().release, 3);
}

TEST_F(Traffic, who_names_what_is_live_does_not_go_back_twice) {
  begin(3);
  ASSERT_TRUE(released(2));
  ASSERT_TRUE(released(3));
  EXPECT_EQ(arms(models->rollback(bob, "late", Move{.why = "worse", .live = 3})), "v2");
  const auto second = models->rollback(eve, "late", Move{.why = "worse", .live = 3});
  EXPECT_EQ(second.error().code(), Code::conflict);
  EXPECT_NE(second.error().message().find("release:late@4 was first: rollback of model:late@2 by bob"),
            std::string::npos)
      << second.error().text();
}

TEST_F(Traffic, what_cannot_be_served_is_refused_before_there_is_a_record) {
  begin(2);
  std::vector<std::string> asked;
  models->check_release = [&](const ReleaseSnapshot& snapshot) -> Result<void> {
    for (const auto& arm : {snapshot.stable, *snapshot.canary})
      asked.push_back(fmt::format("{} {}", arm.version, exists(state / ("serving/late/" + arm.file))));
    return Error{Code::invalid, "the canary answers something else"};
  };
  EXPECT_EQ(said(canary(2, 0.1)), "invalid: the canary answers something else");
  EXPECT_EQ(asked, (std::vector<std::string>{"1 true", "2 true"}));
  EXPECT_EQ(models->releases("default", "late")->size(), 1U);
  EXPECT_EQ(live().release, 1);
  models->check_release = [&](const ReleaseSnapshot& snapshot) -> Result<void> {
    return Error{Code::invalid, snapshot.deployment + " of " + snapshot.workspace};
  };
  EXPECT_EQ(said(released(2)), "invalid: late of default");
}

TEST_F(Traffic, what_is_recorded_and_not_served_is_said) {
  begin(2);
  models->on_release = [](const std::string&) -> Result<void> { return Error{Code::unavailable, "no memory"}; };
  const auto refused = canary(2, 0.1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(), "release:late@2 is recorded; taking it into service: no memory");
  EXPECT_EQ(arms_of(*shown(models->current("default", "late"))), "v1 canary v2 0.1");
}

TEST_F(Traffic, event_time_is_the_deployments_or_the_walls) {
  begin(2);
  EXPECT_EQ(shown(models->releases("default", "late")).front().event_time,
            shown(models->releases("default", "late")).front().created_at);
  models->event_now = [](const std::string& workspace, const std::string& deployment) {
    return workspace == "default" && deployment == "late" ? Micros{1'375'000'000'000'000} : Micros{0};
  };
  const auto done = shown(canary(2, 0.1));
  EXPECT_EQ(done.event_time, 1'375'000'000'000'000);
  EXPECT_EQ(done.to_json()["event_time"], "2013-07-28T08:26:40.000000Z");
  EXPECT_EQ(shown(models->current("default", "late"))->event_time, 1'375'000'000'000'000);
  EXPECT_EQ(services->journal.read_after("default", 0, 1000)->back().event_time, 1'375'000'000'000'000);
}

TEST_F(Traffic, reconcile_brings_back_the_files_of_every_arm) {
  begin(3);
  ASSERT_TRUE(shadow(3));
  ASSERT_TRUE(canary(2, 0.1));
  const auto before = live();
  ASSERT_TRUE(remove_tree(state / "serving"));
  ASSERT_TRUE(models->reconcile());
  EXPECT_EQ(to_json(live()), to_json(before));
  for (const auto& arm : {before.stable, *before.canary, before.shadows.at(0)}) {
    EXPECT_EQ(*digest_of_file(state / ("serving/late/" + arm.file)), arm.digest);
    EXPECT_TRUE(exists(state / ("serving/late/" + arm.contract)));
  }
}

}  // namespace
}  // namespace millrace::registry
