// A canary and its judge in the data plane.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/files.h"
#include "core/hash.h"
#include "core/testing.h"
#include "serve/arms/assign.h"
#include "serve/data_plane.h"
#include "serve/judge/judge.h"
#include "serve/testdata/models.h"

namespace millrace::serve {
namespace {

using registry::GuardrailKind;
using registry::ReleasedModel;
using registry::ReleaseSnapshot;

struct Judged : ::testing::Test {
  Judged() {
    engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
    snapshot = {.deployment = "late", .release = 1, .salt = "salt"};
    snapshot.stable = model("linear", 1);
    snapshot.canary = model("linear_later", 2);
    snapshot.canary_share = 0.5;
    snapshot.rollout =
        registry::RolloutPolicy{.guardrails = {{.kind = GuardrailKind::errors, .tolerance = 0.01},
                                               {.kind = GuardrailKind::prediction_shift, .tolerance = 0.1}}};
  }
  ReleasedModel model(const std::string& name, int64_t version) const {
    const std::string bytes = testdata::bytes_of(name), digest = digest_of(bytes);
    const std::string file = "files/" + digest.substr(7) + ".onnx";
    EXPECT_TRUE(make_folders(folder / "serving/late/files"));
    EXPECT_TRUE(write_file(folder / ("serving/late/" + file), bytes));
    return {.model = "late", .version = version, .digest = digest, .file = file};
  }
  void serve() {
    plane.reset();
    ++snapshot.release;
    ASSERT_TRUE(registry::store_snapshot(folder / "serving/late", snapshot));
    auto opened = DataPlane::open({.serving_folder = folder / "serving", .log_folder = folder / "predictions"},
                                  *engines, context);
    ASSERT_TRUE(opened) << opened.error().text();
    plane = std::move(*opened);
    plane->on_canary_out = [this](const std::string& deployment) { told.push_back(deployment); };
  }
  void swap() {
    ++snapshot.release;
    ASSERT_TRUE(registry::store_snapshot(folder / "serving/late", snapshot));
    ASSERT_TRUE(plane->reload("late"));
  }
  static InferRequest numbers(const std::string& unit) {
    InferRequest request;
    Tensor x{.type = DType::fp32, .shape = {1, 3}};
    for (const float value : {1.0F, 2.0F, 3.0F}) x.push(value);
    request.inputs = {x};
    request.wanted = {0};
    request.unit = unit;
    return request;
  }
  // Who answered, "" = nobody.
  std::string ask(const std::string& unit, const std::string& version = "") {
    const auto request = numbers(unit);
    const auto target = plane->find("late", version);
    if (!target) return "";
    const auto reply = plane->infer(*target, request);
    EXPECT_TRUE(reply) << reply.error().text();
    return reply ? reply->arm->arm.name : "";
  }
  std::string canary_unit() const {
    for (int i = 0;; ++i)
      if (const auto unit = "N" + std::to_string(i); takes(snapshot.canary_share, bucket_of("salt", unit))) return unit;
  }
  void ask_many(int count) {
    for (int i = 0; i < count && told.empty(); ++i) ask("N" + std::to_string(i));
  }
  Json requests() const { return plane->judge("late")->report()["requests"]; }
  std::string saved() const { return folder / "serving/late/rollout.json"; }

  testing::Folder folder;
  ReleaseSnapshot snapshot;
  ManualClock clock;
  SeededRandom random{1};
  Context context{clock, random, silent_log()};
  std::unique_ptr<engine::Engines> engines;
  std::unique_ptr<DataPlane> plane;
  std::vector<std::string> told;
};

TEST_F(Judged, a_canary_with_other_scores_is_out_in_the_request_that_shows_it) {
  serve();
  const auto unit = canary_unit();
  EXPECT_EQ(ask(unit), "canary");
  ask_many(1'000);
  EXPECT_EQ(told, std::vector<std::string>{"late"});
  EXPECT_TRUE(plane->judge("late")->out());
  EXPECT_LT(requests()["canary"].get<int>(), 300);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask("N" + std::to_string(i)), "stable");
  EXPECT_EQ(ask(unit), "stable");
  EXPECT_EQ(ask("", "2"), "") << "a version that is out cannot be named either";
  EXPECT_EQ(told.size(), 1U) << "once";
  EXPECT_NE(plane->metrics_text().find("millrace_canary_share{model=\"late\"} 0\n"), std::string::npos);
}

TEST_F(Judged, who_was_not_assigned_by_chance_is_not_compared) {
  serve();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(ask(""), "stable");
    EXPECT_EQ(ask("N" + std::to_string(i), "2"), "canary");
  }
  EXPECT_EQ(requests(), (Json{{"canary", 0}, {"stable", 0}}));
}

TEST_F(Judged, while_a_canary_is_judged_no_request_shares_its_time) {
  serve();
  EXPECT_FALSE(plane->shares_calls("late"));
  std::vector<InferRequest> requests(4, numbers(""));
  const auto executed = [&] {
    const auto target = *plane->find("late", "");
    std::vector<AskedPrediction> asked;
    for (const auto& each : requests) asked.push_back({.target = target, .request = &each});
    const uint64_t before = target.arm->statistics->executions;
    for (const auto& reply : plane->infer_together(asked)) EXPECT_TRUE(reply) << reply.error().text();
    return target.arm->statistics->executions - before;
  };
  EXPECT_EQ(executed(), 4U);
  snapshot.rollout.reset();
  swap();
  EXPECT_TRUE(plane->shares_calls("late"));
  EXPECT_EQ(executed(), 1U);
}

TEST_F(Judged, without_a_policy_nobody_judges) {
  snapshot.rollout.reset();
  serve();
  EXPECT_EQ(plane->judge("late"), nullptr);
  ask_many(500);
  EXPECT_TRUE(told.empty());
  EXPECT_TRUE(plane->save_judges());
  EXPECT_FALSE(exists(saved()));
}

TEST_F(Judged, a_share_is_a_step_and_the_evidence_goes_on) {
  serve();
  ask_many(40);
  const auto before = requests();
  snapshot.canary_share = 0.9;
  swap();
  EXPECT_EQ(requests(), before);
  EXPECT_EQ(plane->judge("late")->state().share, 0.9);
  EXPECT_EQ(plane->judge("late")->state().step_answers, 0);
}

TEST_F(Judged, a_start_goes_on_where_it_was_saved) {
  serve();
  ask_many(40);
  const auto before = requests();
  ASSERT_TRUE(plane->save_judges());
  serve();
  EXPECT_EQ(requests(), before);
  ask_many(1'000);
  ASSERT_TRUE(plane->save_judges());
  serve();
  EXPECT_TRUE(plane->judge("late")->out());
  EXPECT_EQ(ask(canary_unit()), "stable");
}

TEST_F(Judged, another_canary_or_the_end_begins_anew) {
  serve();
  ask_many(1'000);
  ASSERT_TRUE(plane->save_judges());
  EXPECT_TRUE(exists(saved()));
  const auto bad = snapshot.canary;
  snapshot.canary = model("linear", 3);
  swap();
  EXPECT_EQ(requests(), (Json{{"canary", 0}, {"stable", 0}}));
  EXPECT_EQ(ask(canary_unit()), "canary");
  snapshot.canary.reset();
  swap();
  EXPECT_EQ(plane->judge("late"), nullptr);
  EXPECT_FALSE(exists(saved()));
  snapshot.canary = bad;
  swap();
  EXPECT_FALSE(plane->judge("late")->out()) << "a new rollout of the same version";
}

TEST_F(Judged, damaged_evidence_is_said_and_begun_anew) {
  serve();
  ask_many(40);
  ASSERT_TRUE(write_file(saved(), "{"));
  serve();
  EXPECT_EQ(requests(), (Json{{"canary", 0}, {"stable", 0}}));
}

}  // namespace
}  // namespace millrace::serve
