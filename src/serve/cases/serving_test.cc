// Cases in the data plane: held back, in the log before the answer, and told to whoever reads the log.
#include <gtest/gtest.h>
#include <algorithm>

#include "core/files.h"
#include "core/hash.h"
#include "core/testing.h"
#include "registry/release/snapshot.h"
#include "serve/data_plane.h"
#include "serve/testdata/models.h"

namespace millrace::serve {
namespace {

struct CasesServed : ::testing::Test {
  CasesServed() {
    engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
    const std::string place = folder / "serving/late";
    EXPECT_TRUE(make_folders(place + "/files"));
    const std::string bytes = testdata::bytes_of("columns"), digest = digest_of(bytes);
    const std::string file = "files/" + digest.substr(7) + ".onnx";
    EXPECT_TRUE(write_file(place + "/" + file, bytes));
    contract = *read_file(testdata::folder() + "/columns.odcs.yaml", 1 << 20);
    EXPECT_TRUE(write_file(place + "/files/columns.odcs.yaml", contract));
    snapshot = {.deployment = "late", .release = 1, .salt = "salt"};
    snapshot.stable = {
        .model = "late", .version = 1, .digest = digest, .file = file, .contract = "files/columns.odcs.yaml"};
    snapshot.review = {{.name = "unsure", .when = "score BETWEEN 100 AND 200", .flag = ""}};
  }
  Result<void> serve() {
    plane.reset();
    MILLRACE_DO(registry::store_snapshot(folder / "serving/late", snapshot));
    MILLRACE_TRY(plane, DataPlane::open({.serving_folder = folder / "serving", .log_folder = folder / "predictions"},
                                        *engines, context));
    plane->on_case = [this](const std::string&) { ++told; };
    return {};
  }
  InferReply ask(std::vector<int64_t> minutes, std::vector<size_t> wanted = {0, 1}) {
    InferRequest request;
    const auto rows = static_cast<int64_t>(minutes.size());
    Tensor text{.type = DType::bytes, .shape = {rows, 1}, .texts = std::vector<std::string>(minutes.size(), "UA")};
    Tensor whole{.type = DType::int64, .shape = {rows, 1}}, number{.type = DType::fp32, .shape = {rows, 1}};
    for (const auto value : minutes) whole.push(value), number.push(0.5F);
    request.inputs = {text, whole, number};
    request.wanted = std::move(wanted);
    const auto target = plane->find("late", "");
    EXPECT_TRUE(target) << target.error().text();
    auto reply = plane->infer(*target, request);
    EXPECT_TRUE(reply) << reply.error().text();
    return reply ? std::move(*reply) : InferReply{};
  }
  // Ids of the cases after `from`.
  std::vector<std::string> read(CaseReading& from) {
    std::vector<std::string> out;
    const auto done = plane->read_cases(from, "late", [&](const LoggedCase& logged) -> Result<void> {
      EXPECT_EQ(logged.held.rule, "unsure");
      EXPECT_EQ(logged.release, "release:late@1");
      EXPECT_EQ(logged.model, "late");
      EXPECT_GT(logged.event_time, 0);
      out.push_back(logged.prediction_id);
      return {};
    });
    EXPECT_TRUE(done) << done.error().text();
    return out;
  }

  testing::Folder folder;
  registry::ReleaseSnapshot snapshot;
  std::string contract;
  ManualClock clock;
  SeededRandom random{1};
  Context context{clock, random, silent_log()};
  std::unique_ptr<engine::Engines> engines;
  std::unique_ptr<DataPlane> plane;
  int told = 0;
};
using Ids = std::vector<std::string>;

TEST_F(CasesServed, an_answer_that_a_rule_holds_for_does_not_go_out_and_is_in_the_log) {
  ASSERT_TRUE(serve());
  const auto good = ask({10});
  EXPECT_FALSE(good.held);
  EXPECT_EQ(good.outputs.size(), 2U);
  const auto held = ask({10, 150, 150, 900});
  ASSERT_TRUE(held.held);
  EXPECT_EQ(*held.held, (Case{.rule = "unsure", .rows = {1, 2}, .matched = 2}));
  EXPECT_TRUE(held.outputs.empty());
  EXPECT_EQ(told, 1);
  const auto record = *plane->find_prediction(held.prediction_id);
  EXPECT_EQ(record["status"], "answered");
  EXPECT_EQ(record["case"]["rule"], "unsure");
  EXPECT_EQ(record["case"]["id"], "case-" + held.prediction_id);
  EXPECT_EQ(record["outputs"][0]["data"][1], 152.5) << "whoever decides sees what the model said";
  EXPECT_EQ(record["contract"], digest_of(contract));
  EXPECT_EQ((*plane->find_prediction(good.prediction_id))["case"], nullptr);
  EXPECT_NE(plane->metrics_text().find("millrace_review_cases_total{model=\"late\"} 1\n"), std::string::npos);
  ASSERT_TRUE(plane->seal("late"));
  const auto sealed = *plane->find_prediction(held.prediction_id);
  EXPECT_EQ(sealed["case"], record["case"]) << "also once it is sealed";
  EXPECT_EQ(sealed["contract"], record["contract"]);
  EXPECT_EQ((*plane->find_prediction(good.prediction_id))["case"], nullptr);
}

TEST_F(CasesServed, who_does_not_ask_for_the_score_is_held_all_the_same) {
  ASSERT_TRUE(serve());
  EXPECT_TRUE(ask({150}, {1}).held);
  const auto good = ask({10}, {1});
  EXPECT_FALSE(good.held);
  ASSERT_EQ(good.outputs.size(), 1U);
  EXPECT_EQ(good.outputs[0].texts[0], "UA") << "and gets what was asked for, no more";
  EXPECT_EQ((*plane->find_prediction(good.prediction_id))["outputs"].size(), 2U);
}

TEST_F(CasesServed, a_shadow_makes_no_case) {
  snapshot.shadows = {snapshot.stable};
  snapshot.shadows[0].version = 2;
  ASSERT_TRUE(serve());
  const auto held = ask({150});
  ASSERT_TRUE(plane->seal("late")) << "waits for the shadow";
  CaseReading reading;
  EXPECT_EQ(read(reading), Ids{held.prediction_id});
  EXPECT_EQ((*plane->find_prediction(held.prediction_id))["shadows"].size(), 1U);
}

TEST_F(CasesServed, the_log_tells_each_case_once_while_it_is_followed) {
  ASSERT_TRUE(serve());
  CaseReading reading;
  EXPECT_TRUE(read(reading).empty()) << "there is no log yet";
  const auto one = ask({150}).prediction_id;
  ask({10});
  EXPECT_EQ(read(reading), Ids{one});
  EXPECT_TRUE(read(reading).empty());
  const auto two = ask({160}).prediction_id, three = ask({170}).prediction_id;
  EXPECT_EQ(read(reading), (Ids{two, three}));
  // Another process begins where this one noted that it was.
  ASSERT_TRUE(serve());
  auto again = *CaseReading::of_json(reading.to_json());
  EXPECT_TRUE(read(again).empty());
  const auto four = ask({180}).prediction_id;
  EXPECT_EQ(read(again), Ids{four});
  ASSERT_TRUE(plane->seal("late"));
  EXPECT_TRUE(read(again).empty() || read(again).empty()) << "sealed files may be told again, then no more";
  CaseReading fresh;
  Ids sealed = read(fresh), all{one, two, three, four};  // of one instant sealed files know no order
  std::sort(sealed.begin(), sealed.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(sealed, all) << "from sealed files too";
  EXPECT_TRUE(read(fresh).empty());
}

TEST_F(CasesServed, what_could_not_be_taken_is_told_again_and_nothing_before_it) {
  ASSERT_TRUE(serve());
  const auto one = ask({150}).prediction_id, two = ask({160}).prediction_id;
  CaseReading reading;
  int seen = 0;
  const auto failing = plane->read_cases(reading, "late", [&](const LoggedCase&) -> Result<void> {
    if (++seen == 2) return Error{Code::unavailable, "the store is away"};
    return {};
  });
  ASSERT_FALSE(failing);
  EXPECT_EQ(failing.error().code(), Code::unavailable);
  EXPECT_EQ(read(reading), Ids{two});
}

TEST_F(CasesServed, a_rule_that_cannot_be_asked_keeps_the_release_out) {
  snapshot.review[0].when = "scor > 1";
  auto opened = serve();
  ASSERT_TRUE(opened) << "the others go on";
  EXPECT_FALSE(plane->ready());
  EXPECT_NE(plane->models()[0].reason.find("did you mean 'score'?"), std::string::npos) << plane->models()[0].reason;
  const auto refused = plane->check(snapshot);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::invalid);
  EXPECT_EQ(refused.error().where().field, "deployments.late.review[0].when");
}

}  // namespace
}  // namespace millrace::serve
