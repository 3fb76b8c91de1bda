// A deployment with arms, through the data plane.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include "core/files.h"
#include "core/hash.h"
#include "registry/release/snapshot.h"
#include "serve/arms/assign.h"
#include "serve/data_plane.h"
#include "serve/testdata/models.h"

namespace millrace::serve {
namespace {

using registry::ReleasedModel;
using registry::ReleaseSnapshot;

// Chance for many threads.
class LockedRandom final : public Random {
 public:
  void fill(void* bytes, size_t size) override {
    const std::lock_guard lock(mutex_);
    random_.fill(bytes, size);
  }

 private:
  std::mutex mutex_;
  SeededRandom random_{1};
};

struct Arms : ::testing::Test {
  Arms() {
    std::string pattern = (std::filesystem::temp_directory_path() / "arms.XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
    snapshot = {.deployment = "late", .release = 1, .salt = "salt"};
    snapshot.stable = model("linear", 1);
  }
  ~Arms() override {
    plane.reset();
    EXPECT_TRUE(remove_tree(folder));
  }

  ReleasedModel model(const std::string& name, int64_t version) const {
    const std::string bytes = testdata::bytes_of(name), digest = digest_of(bytes);
    const std::string file = "files/" + digest.substr(7) + ".onnx";
    EXPECT_TRUE(make_folders(folder + "/serving/late/files"));
    EXPECT_TRUE(write_file(folder + "/serving/late/" + file, bytes));
    return {.model = "late", .version = version, .digest = digest, .file = file};
  }
  void store() {
    ++snapshot.release;
    ASSERT_TRUE(registry::store_snapshot(folder + "/serving/late", snapshot));
  }
  void serve() {
    store();
    plane = open();
    ASSERT_TRUE(plane);
  }
  void swap() {
    store();
    const auto done = plane->reload("late");
    ASSERT_TRUE(done) << done.error().text();
  }
  std::unique_ptr<DataPlane> open() {
    auto opened = DataPlane::open({.serving_folder = folder + "/serving", .log_folder = folder + "/predictions"},
                                  *engines, context);
    EXPECT_TRUE(opened) << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }
  static InferRequest numbers(const std::string& unit = "", float first = 1) {
    InferRequest out;
    Tensor x{.type = DType::fp32, .shape = {1, 3}};
    for (const float value : {first, 2.0F, 3.0F}) x.push(value);
    out.inputs = {x};
    out.wanted = {0};
    out.unit = unit;
    return out;
  }
  InferReply ask(const InferRequest& request, const std::string& version = "") {
    const auto target = plane->find("late", version);
    EXPECT_TRUE(target) << target.error().text();
    auto reply = plane->infer(*target, request);
    EXPECT_TRUE(reply) << reply.error().text();
    return reply ? std::move(*reply) : InferReply{};
  }
  // The arm that answers, seen by what it answers: version 1 gives 321.5, version 2 gives 1321.
  std::string arm_of(const std::string& unit, const std::string& version = "") {
    return ask(numbers(unit), version).outputs.at(0).as<float>()[0] < 1000 ? "stable" : "canary";
  }
  Json found(const std::string& id) {
    const auto json = plane->find_prediction(id);
    EXPECT_TRUE(json) << json.error().text();
    return json ? *json : Json();
  }
  uint64_t metric(const std::string& series) const {
    const auto text = plane->metrics_text();
    const auto at = text.find("\n" + series + " ");
    EXPECT_NE(at, std::string::npos) << series << "\n" << text;
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + series.size() + 2));
  }

  std::string folder;
  ReleaseSnapshot snapshot;
  ManualClock clock;
  LockedRandom random;
  Context context{clock, random, silent_log()};
  std::unique_ptr<engine::Engines> engines;
  std::unique_ptr<DataPlane> plane;
};

TEST_F(Arms, the_unit_decides_who_answers_and_the_answer_says_who) {
  snapshot.canary = model("linear_later", 2);
  snapshot.canary_share = 0.5;
  serve();
  int canary = 0;
  for (int i = 0; i < 200; ++i) {
    const auto unit = "N" + std::to_string(i);
    const auto expected = takes(0.5, bucket_of("salt", unit)) ? "canary" : "stable";
    EXPECT_EQ(arm_of(unit), expected);
    EXPECT_EQ(arm_of(unit), expected) << "again";
    canary += expected == std::string("canary") ? 1 : 0;
  }
  const auto target = plane->find("late", "");
  auto reply = plane->infer(*target, numbers("N0"));
  EXPECT_EQ(reply->arm->arm.name, reply->outputs[0].as<float>()[0] < 1000 ? "stable" : "canary");
  EXPECT_EQ(reply->arm->release, "release:late@2");
  EXPECT_EQ(found(reply->prediction_id)["arm"], reply->arm->arm.name);
  EXPECT_EQ(found(reply->prediction_id)["version"], reply->arm->arm.version);
  EXPECT_EQ(metric("millrace_canary_rows_total{model=\"late\"}"),
            static_cast<uint64_t>(2 * canary) + (reply->arm->arm.name == "canary" ? 1 : 0));
  EXPECT_EQ(metric("nv_inference_count{model=\"late\",version=\"2\",arm=\"canary\"}"),
            metric("millrace_canary_rows_total{model=\"late\"}"));
}

TEST_F(Arms, without_a_unit_the_stable_arm_answers) {
  snapshot.canary = model("linear_later", 2);
  snapshot.canary_share = 0.999;
  serve();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(arm_of(""), "stable");
}

TEST_F(Arms, each_arm_makes_a_call_of_those_of_its_units_that_wait) {
  snapshot.canary = model("linear_later", 2);
  snapshot.canary_share = 0.5;
  snapshot.shadows = {model("linear_later", 3)};
  serve();
  const auto target = plane->find("late", "");
  std::vector<InferRequest> requests;
  std::vector<AskedPrediction> asked;
  for (int i = 0; i < 20; ++i) requests.push_back(numbers("N" + std::to_string(i), static_cast<float>(i)));
  for (const auto& each : requests) asked.push_back({.target = *target, .request = &each});
  const auto replies = plane->infer_together(asked);
  uint64_t canary = 0;
  for (size_t i = 0; i < replies.size(); ++i) {
    ASSERT_TRUE(replies[i]) << replies[i].error().text();
    const bool expected = takes(0.5, bucket_of("salt", requests[i].unit));
    canary += expected ? 1 : 0;
    EXPECT_EQ(replies[i]->arm->arm.name, expected ? "canary" : "stable");
    EXPECT_EQ(replies[i]->outputs[0].as<float>()[0], static_cast<float>(i) + (expected ? 1320.0F : 320.5F));
    EXPECT_EQ(found(replies[i]->prediction_id)["unit"], requests[i].unit);
  }
  ASSERT_TRUE(canary > 1 && canary < 19);
  EXPECT_EQ(metric("nv_inference_count{model=\"late\",version=\"2\",arm=\"canary\"}"), canary);
  for (const auto* series : {"version=\"1\",arm=\"stable\"", "version=\"2\",arm=\"canary\""})
    EXPECT_EQ(metric(std::string("nv_inference_exec_count{model=\"late\",") + series + "}"), 1U) << series;
  EXPECT_EQ(metric("millrace_shadow_queued_total{model=\"late\"}"), 20U);
}

TEST_F(Arms, an_input_may_be_the_unit_of_single_rows) {
  snapshot.stable = model("indexed_more", 1);
  snapshot.canary = model("indexed", 2);
  snapshot.canary_share = 0.5;
  snapshot.unit = "at";
  serve();
  for (const int64_t value : {0, 1, 2}) {
    const auto reply = ask(testdata::places({value}));
    EXPECT_EQ(reply.arm->arm.name, takes(0.5, bucket_of("salt", std::to_string(value))) ? "canary" : "stable");
    EXPECT_EQ(found(reply.prediction_id)["unit"], std::to_string(value)) << "the log says by what it was decided";
  }
  EXPECT_EQ(ask(testdata::places({0, 1, 2})).arm->arm.name, "stable") << "many rows are many units";
  auto given = testdata::places({0});
  given.unit = "another";
  EXPECT_EQ(ask(given).arm->arm.name, takes(0.5, bucket_of("salt", "another")) ? "canary" : "stable");
}

TEST_F(Arms, units_stay_over_releases_and_a_higher_share_keeps_them) {
  snapshot.canary = model("linear_later", 2);
  snapshot.canary_share = 0.1;
  serve();
  std::set<std::string> in;
  for (const double share : {0.1, 0.3, 0.6}) {
    snapshot.canary_share = share;
    swap();
    std::set<std::string> now;
    for (int i = 0; i < 300; ++i)
      if (arm_of("N" + std::to_string(i)) == "canary") now.insert("N" + std::to_string(i));
    EXPECT_TRUE(std::includes(now.begin(), now.end(), in.begin(), in.end())) << share;
    EXPECT_GT(now.size(), in.size());
    in = now;
  }
}

TEST_F(Arms, a_named_version_is_asked_whatever_the_unit_says) {
  snapshot.canary = model("linear_later", 2);
  snapshot.canary_share = 0.5;
  serve();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(arm_of("N" + std::to_string(i), "1"), "stable");
    EXPECT_EQ(arm_of("N" + std::to_string(i), "2"), "canary");
  }
  const auto none = plane->find("late", "3");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().hint(), "served: 1, 2");
}

TEST_F(Arms, shadows_answer_what_others_answered_and_their_records_join) {
  snapshot.canary = model("linear_later", 2);
  snapshot.canary_share = 0.5;
  snapshot.shadows = {model("linear_later", 3), model("linear", 4)};
  serve();
  auto request = numbers("N1");
  request.request_id = "row:1";
  request.input = "sha256:abc";
  request.event_time = 7;
  const auto first = ask(request);
  for (int i = 0; i < 99; ++i) ask(numbers("N" + std::to_string(i)));
  EXPECT_EQ((*plane->count_predictions("late", ""))["count"], 100) << "shadows are not counted";
  const auto sealed = plane->seal("late");
  ASSERT_TRUE(sealed) << sealed.error().text();
  EXPECT_EQ((*sealed)["rows"], 300) << "sealing waits for the shadows";
  EXPECT_EQ((*plane->count_predictions("late", ""))["count"], 100);
  EXPECT_EQ((*plane->count_predictions("late", "sha256:abc"))["first"], first.prediction_id);
  const auto record = found(first.prediction_id);
  EXPECT_EQ(record["arm"], first.arm->arm.name);
  ASSERT_EQ(record["shadows"].size(), 2U);
  for (const auto& shadow : record["shadows"]) {
    EXPECT_EQ(shadow["status"], "answered");
    EXPECT_EQ(shadow["outputs"][0]["data"][0], shadow["version"] == 3 ? 1321.0 : 321.5);
  }
  auto session = *engines->open({});
  const auto table = session->query(
      "SELECT count(*), count(DISTINCT prediction_id), sum(CASE WHEN s.unit = a.unit AND s.event_time = a.event_time "
      "AND s.input = a.input AND s.request_id = a.request_id AND s.in_x = a.in_x AND s.duration_us >= 0 THEN 1 END) "
      "FROM '" +
      folder + "/predictions/late/*.parquet' s JOIN '" + folder +
      "/predictions/late/*.parquet' a USING (prediction_id) WHERE s.arm = 'shadow' AND a.arm <> 'shadow'");
  ASSERT_TRUE(table) << table.error().text();
  EXPECT_EQ(table->integer(0, 0), 200);
  EXPECT_EQ(table->integer(0, 1), 100);
  EXPECT_EQ(table->integer(0, 2), 200);
  EXPECT_EQ(metric("millrace_shadow_queued_total{model=\"late\"}"), 200U);
  EXPECT_EQ(metric("millrace_shadow_answered_total{model=\"late\"}"), 200U);
  EXPECT_EQ(metric("nv_inference_count{model=\"late\",version=\"3\",arm=\"shadow\"}"), 100U);
}

TEST_F(Arms, a_prediction_is_found_with_its_shadows_in_open_segments_too) {
  snapshot.shadows = {model("linear_later", 2)};
  serve();
  const auto id = ask(numbers("N1")).prediction_id;
  plane.reset();  // the queue is drained
  plane = open();
  const auto record = found(id);
  EXPECT_EQ(record["arm"], "stable");
  EXPECT_EQ(record["unit"], "N1");
  EXPECT_EQ(record["duration_us"], 0) << "the clock of this test stands";
  EXPECT_EQ(record["shadows"][0]["outputs"][0]["data"][0], 1321.0);
  EXPECT_EQ(record["shadows"][0]["version"], 2);
}

TEST_F(Arms, a_shadow_that_fails_fails_alone) {
  snapshot.stable = model("indexed_more", 1);
  snapshot.shadows = {model("indexed", 2)};
  serve();
  InferRequest request;
  Tensor at{.type = DType::int64, .shape = {1}};
  at.push(int64_t{7});  // beyond the shadow's table
  request.inputs = {at};
  request.wanted = {0};
  const auto reply = ask(request);
  EXPECT_EQ(reply.outputs[0].as<float>()[0], 7);
  ASSERT_TRUE(plane->seal("late"));
  EXPECT_EQ(found(reply.prediction_id)["status"], "answered");
  EXPECT_EQ(found(reply.prediction_id)["shadows"][0]["status"], "failed");
  EXPECT_EQ(metric("millrace_shadow_failed_total{model=\"late\"}"), 1U);
  EXPECT_EQ(metric("nv_inference_request_failure{model=\"late\",version=\"1\",arm=\"stable\",reason=\"OTHER\"}"), 0U);
}

TEST_F(Arms, what_was_not_answered_is_not_copied) {
  snapshot.stable = model("indexed", 1);
  snapshot.shadows = {model("indexed_more", 2)};
  serve();
  InferRequest request;
  Tensor at{.type = DType::int64, .shape = {1}};
  at.push(int64_t{7});
  request.inputs = {at};
  request.wanted = {0};
  EXPECT_FALSE(plane->infer(*plane->find("late", ""), request));
  EXPECT_EQ(metric("millrace_shadow_queued_total{model=\"late\"}"), 0U);
}

TEST_F(Arms, an_arm_that_answers_something_else_is_refused_and_named) {
  serve();
  for (const auto& [name, message] :
       {std::pair("lying",
                  "the canary late@2 cannot answer what late@1 is asked: its output 1 is 'label' INT64 [-1], "
                  "where the stable arm has 'y' FP32 [-1,1]"),
        std::pair("logarithm",
                  "the canary late@2 cannot answer what late@1 is asked: its input 1 is 'x' FP64 [-1,1], "
                  "where the stable arm has 'x' FP32 [-1,3]"),
        std::pair("columns",
                  "the canary late@2 cannot answer what late@1 is asked: its input 1 is 'carrier' BYTES "
                  "[-1,1], where the stable arm has 'x' FP32 [-1,3]")}) {
    snapshot.canary = model(name, 2);
    snapshot.canary_share = 0.5;
    const auto checked = plane->check(snapshot);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().message(), message);
    EXPECT_EQ(checked.error().code(), Code::invalid);
    store();
    EXPECT_EQ(plane->reload("late").error().message(), message);
    EXPECT_EQ(arm_of("N1"), "stable") << "the release before goes on";
  }
}

TEST_F(Arms, at_the_start_a_stable_arm_goes_on_without_the_others) {
  snapshot.canary = model("lying", 2);
  snapshot.canary_share = 0.999;
  snapshot.shadows = {model("lying", 3), model("linear_later", 4)};
  serve();
  EXPECT_EQ(arm_of("N1"), "stable");
  const auto target = plane->find("late", "");
  EXPECT_FALSE(target->served->canary);
  ASSERT_EQ(target->served->shadows.size(), 1U);
  EXPECT_EQ(target->served->shadows[0].version, "4");
}

TEST_F(Arms, a_swap_loads_only_what_is_new_and_a_rollback_loads_nothing) {
  serve();
  EXPECT_EQ(plane->models_loaded(), 1U);
  snapshot.canary = model("linear_later", 2);
  snapshot.canary_share = 0.1;
  ASSERT_TRUE(plane->check(snapshot));
  EXPECT_EQ(plane->models_loaded(), 2U);
  swap();
  snapshot.canary_share = 0.2;
  swap();
  snapshot.stable = *snapshot.canary;
  snapshot.canary.reset();
  swap();
  EXPECT_EQ(arm_of("N1"), "canary") << "version 2's answer";
  snapshot.stable = model("linear", 1);
  swap();
  EXPECT_EQ(arm_of("N1"), "stable");
  EXPECT_EQ(plane->models_loaded(), 2U);
}

TEST_F(Arms, keeps_a_few_ended_models_warm_and_lets_the_others_go) {
  std::weak_ptr<const Loaded> first;
  serve();
  first = plane->find("late", "")->arm->loaded;
  std::vector<std::string> others{"lying", "logarithm", "every_type"};
  ASSERT_GT(others.size(), limits::warm_models);
  for (size_t i = 0; i < others.size(); ++i) {
    EXPECT_FALSE(first.expired()) << i;
    snapshot.stable = model(others[i], static_cast<int64_t>(i) + 2);
    swap();
  }
  EXPECT_TRUE(first.expired());
}

TEST_F(Arms, a_request_ends_with_the_arms_that_it_began_with) {
  serve();
  const auto before = plane->find("late", "");
  snapshot.stable = model("linear_later", 2);
  swap();
  EXPECT_EQ(plane->infer(*before, numbers())->outputs[0].as<float>()[0], 321.5F);
  EXPECT_EQ(ask(numbers()).outputs[0].as<float>()[0], 1321.0F);
}

TEST_F(Arms, swaps_under_load_answer_every_request_by_one_of_the_arms) {
  snapshot.canary = model("linear_later", 2);
  snapshot.canary_share = 0.5;
  snapshot.shadows = {model("linear", 3)};
  serve();
  std::atomic<bool> stop{false};
  std::vector<std::thread> asking;
  for (int t = 0; t < 4; ++t)
    asking.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        const auto target = plane->find("late", "");
        ASSERT_TRUE(target);
        const auto reply = plane->infer(*target, numbers("N" + std::to_string(100 * t + i % 50)));
        ASSERT_TRUE(reply) << reply.error().text();
        const float answer = reply->outputs[0].as<float>()[0];
        ASSERT_EQ(answer, reply->arm->version == "2" ? 1321.0F : 321.5F);
      }
    });
  for (int i = 0; i < 50; ++i) {
    std::swap(snapshot.stable, *snapshot.canary);
    swap();
  }
  stop = true;
  for (auto& thread : asking) thread.join();
  EXPECT_EQ(plane->models_loaded(), 2U);
}

}  // namespace
}  // namespace millrace::serve
