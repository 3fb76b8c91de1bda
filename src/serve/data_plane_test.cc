#include "serve/data_plane.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "core/files.h"
#include "core/hash.h"
#include "registry/release/snapshot.h"
#include "serve/testdata/models.h"

namespace millrace::serve {
namespace {

struct DataPlaneTest : ::testing::Test {
  DataPlaneTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "plane.XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
  }
  ~DataPlaneTest() override { EXPECT_TRUE(remove_tree(folder)); }

  std::unique_ptr<DataPlane> open(DataPlaneOptions options) {
    auto plane = DataPlane::open(std::move(options), *engines, context);
    if (!plane) ADD_FAILURE() << plane.error().text();
    return plane ? std::move(*plane) : nullptr;
  }
  DataPlaneOptions of_files() const {
    return {.log_folder = folder + "/predictions",
            .models = {{"columns", testdata::path_of("columns")}},
            .contract = testdata::folder() + "/columns.odcs.yaml"};
  }
  void release(int64_t number, const std::string& model, int64_t version) const {
    const std::string bytes = model.find('.') == model.npos ? testdata::bytes_of(model) : testdata::file(model),
                      place = folder + "/serving/late";
    ASSERT_TRUE(make_folders(place + "/files"));
    const std::string digest = digest_of(bytes), file = "files/" + digest.substr(7) + ".onnx";
    ASSERT_TRUE(write_file(place + "/" + file, bytes));
    registry::ReleaseSnapshot snapshot{.deployment = "late", .release = number};
    snapshot.stable = {.model = "late", .version = version, .digest = digest, .file = file};
    ASSERT_TRUE(registry::store_snapshot(place, snapshot));
  }
  static InferRequest columns(std::vector<int64_t> minutes, std::string carrier = "UA") {
    InferRequest request;
    const auto rows = static_cast<int64_t>(minutes.size());
    Tensor text{.type = DType::bytes, .shape = {rows, 1}, .texts = std::vector<std::string>(minutes.size(), carrier)};
    Tensor whole{.type = DType::int64, .shape = {rows, 1}}, number{.type = DType::fp32, .shape = {rows, 1}};
    for (const auto value : minutes) whole.push(value), number.push(0.5F);
    request.inputs = {text, whole, number};
    request.wanted = {0};
    return request;
  }
  static InferRequest numbers(std::initializer_list<float> values) {
    InferRequest request;
    Tensor x{.type = DType::fp32, .shape = {static_cast<int64_t>(values.size()) / 3, 3}};
    for (const float value : values) x.push(value);
    request.inputs = {x};
    request.wanted = {0};
    return request;
  }

  std::string folder;
  ManualClock clock;
  SeededRandom random{1};
  Context context{clock, random, silent_log()};
  std::unique_ptr<engine::Engines> engines;
};

TEST_F(DataPlaneTest, answers_and_logs_before_it_returns) {
  auto plane = open(of_files());
  auto served = plane->find("columns", "");
  ASSERT_TRUE(served);
  auto request = columns({10, 20});
  request.unit = "N1";
  request.input = "sha256:abc";
  request.event_time = 7;
  auto reply = plane->infer(*served, request);
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_FLOAT_EQ(reply->outputs[0].as<float>()[1], 22.5F);
  auto stored = plane->find_prediction(reply->prediction_id);
  ASSERT_TRUE(stored) << stored.error().text();
  EXPECT_EQ((*stored)["status"], "answered");
  EXPECT_EQ((*stored)["unit"], "N1");
  EXPECT_EQ((*stored)["event_time"], "1970-01-01T00:00:00.000007Z");
  EXPECT_EQ((*stored)["inputs"][1]["data"], Json({10, 20}));
  EXPECT_EQ((*plane->count_predictions("columns", "sha256:abc"))["count"], 1);
  EXPECT_EQ((*plane->count_predictions("columns", "sha256:abd"))["count"], 0);
  EXPECT_EQ((*plane->count_predictions("columns", ""))["first"], reply->prediction_id);
}

TEST_F(DataPlaneTest, the_contract_refuses_with_field_rule_and_row_and_the_refusal_is_logged) {
  auto plane = open(of_files());
  auto served = plane->find("columns", "");
  auto reply = plane->infer(*served, columns({10, 5000}));
  ASSERT_TRUE(reply) << reply.error().text();
  ASSERT_TRUE(reply->refusal);
  EXPECT_EQ(reply->refusal->field, "minutes");
  EXPECT_EQ(reply->refusal->row, 1U);
  EXPECT_FALSE(reply->refusal->rule.empty());
  EXPECT_EQ((*plane->find_prediction(reply->prediction_id))["status"], "refused");
  EXPECT_EQ((*plane->find_prediction(reply->prediction_id))["field"], "minutes");
  EXPECT_NE(plane->metrics_text().find(
                "millrace_requests_refused_total{model=\"columns\",version=\"1\",arm=\"stable\",field=\"minutes\""),
            std::string::npos);
}

TEST_F(DataPlaneTest, a_contract_that_does_not_fit_the_model_is_refused_at_the_start) {
  auto options = of_files();
  options.models = {{"linear", testdata::path_of("linear")}};
  auto plane = DataPlane::open(options, *engines, context);
  if (plane) return;  // three columns and a matrix of three: that fits
  FAIL() << plane.error().text();
}

TEST_F(DataPlaneTest, an_input_without_a_rule_is_refused_at_the_start) {
  auto options = of_files();
  options.models = {{"lying", testdata::path_of("logarithm")}};
  auto plane = DataPlane::open(options, *engines, context);
  ASSERT_FALSE(plane);
  EXPECT_EQ(plane.error().code(), Code::invalid);
  EXPECT_NE(plane.error().text().find("'x'"), std::string::npos) << plane.error().text();
}

TEST_F(DataPlaneTest, what_json_cannot_carry_is_an_error_and_logged) {
  auto plane = open({.log_folder = folder + "/predictions", .models = {{"log", testdata::path_of("logarithm")}}});
  auto served = plane->find("log", "1");
  InferRequest request;
  Tensor x{.type = DType::fp64, .shape = {1, 1}};
  x.push(-1.0);
  request.inputs = {x};
  request.wanted = {0};
  auto reply = plane->infer(*served, request);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), Code::rejected);
  EXPECT_EQ(reply.error().where().field, "y");
  request.json_answer = false;
  EXPECT_TRUE(plane->infer(*served, request));
  EXPECT_EQ((*plane->count_predictions("log", ""))["count"], 2);
}

TEST_F(DataPlaneTest, takes_a_new_release_while_requests_run) {
  release(1, "linear", 1);
  auto plane = open({.serving_folder = folder + "/serving", .log_folder = folder + "/predictions"});
  ASSERT_TRUE(plane->ready());
  EXPECT_EQ((*plane->find("late", ""))->release, "release:late@1");
  std::atomic<bool> stop{false};
  std::thread asking([&] {
    while (!stop) {
      auto served = plane->find("late", "");
      ASSERT_TRUE(served);
      ASSERT_TRUE(plane->infer(*served, numbers({1, 2, 3})));
    }
  });
  for (int64_t number = 2; number <= 10; ++number) {
    release(number, number % 2 == 0 ? "lying" : "linear", number);
    ASSERT_TRUE(plane->reload("late"));
  }
  stop = true;
  asking.join();
  EXPECT_EQ((*plane->find("late", ""))->version, "10");
  EXPECT_EQ(plane->find("late", "1").error().code(), Code::not_found);
  EXPECT_TRUE(plane->seal("late"));
}

TEST_F(DataPlaneTest, a_release_that_cannot_be_served_leaves_the_one_before) {
  release(1, "linear", 1);
  auto plane = open({.serving_folder = folder + "/serving"});
  release(2, "external", 2);
  auto reloaded = plane->reload("late");
  ASSERT_FALSE(reloaded);
  EXPECT_EQ((*plane->find("late", ""))->release, "release:late@1");
  auto fresh = open({.serving_folder = folder + "/serving"});
  EXPECT_FALSE(fresh->ready());
  EXPECT_EQ(fresh->models().at(0).ready, false);
  EXPECT_EQ(fresh->find("late", "").error().code(), Code::not_found);
}

TEST_F(DataPlaneTest, a_changed_model_file_is_corrupt) {
  release(1, "linear", 1);
  const auto snapshot = registry::load_snapshot(folder + "/serving/late/current.json");
  ASSERT_TRUE(write_file(folder + "/serving/late/" + snapshot->stable.file, testdata::bytes_of("lying")));
  auto plane = open({.serving_folder = folder + "/serving"});
  EXPECT_EQ(plane->reload("late").error().code(), Code::corrupt);
}

TEST_F(DataPlaneTest, turns_requests_away_over_its_limit) {
  auto options = of_files();
  options.queue = 0;
  auto plane = open(options);
  auto served = plane->find("columns", "");
  auto reply = plane->infer(*served, columns({1}));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), Code::unavailable);
}

TEST_F(DataPlaneTest, sealed_predictions_are_found_and_counted_as_before) {
  auto plane = open(of_files());
  auto served = plane->find("columns", "");
  auto request = columns({10, 20});
  request.input = "sha256:abc";
  const auto first = plane->infer(*served, request)->prediction_id;
  clock.advance(1000);
  const auto refused = plane->infer(*served, columns({5000}))->prediction_id;
  const auto before = *plane->count_predictions("columns", "");
  auto sealed = plane->seal("columns");
  ASSERT_TRUE(sealed) << sealed.error().text();
  EXPECT_EQ((*sealed)["rows"], 3);
  EXPECT_TRUE(list_segments(folder + "/predictions/columns", ".log").empty());
  auto again = plane->seal("columns");
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)["segments"], 0);
  auto after = plane->count_predictions("columns", "");
  ASSERT_TRUE(after) << after.error().text();
  EXPECT_EQ(*after, before);
  EXPECT_EQ((*plane->count_predictions("columns", "sha256:abc"))["first"], first);
  auto found = plane->find_prediction(first);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ((*found)["inputs"][0]["name"], "carrier");
  for (const auto& input : (*found)["inputs"])
    if (input["name"] == "minutes") {
      EXPECT_EQ(input["data"], Json({10, 20}));
    }
  EXPECT_EQ((*plane->find_prediction(refused))["status"], "refused");
  ASSERT_TRUE(plane->infer(*served, request));
  EXPECT_EQ((*plane->count_predictions("columns", "sha256:abc"))["count"], 2);
}

TEST_F(DataPlaneTest, requests_of_one_input_lead_to_their_predictions_page_by_page) {
  auto plane = open(of_files());
  auto served = plane->find("columns", "");
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    auto request = columns({10, 20});
    request.input = i == 1 ? "sha256:abd" : "sha256:abc";
    request.request_id = fmt::format("abc:{}", i);
    ids.push_back(plane->infer(*served, request)->prediction_id);
    clock.advance(1000);
  }
  const auto page = plane->prediction_ids("columns", "sha256:abc", "");
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(to_text((*page)["items"]), to_text(Json{{{"request_id", "abc:0"}, {"prediction_id", ids[0]}},
                                                    {{"request_id", "abc:2"}, {"prediction_id", ids[2]}}}));
  EXPECT_EQ((*page)["next"], nullptr);
  EXPECT_EQ((*plane->prediction_ids("columns", "sha256:abc", ids[0]))["items"].size(), 1U);
  EXPECT_TRUE((*plane->prediction_ids("columns", "sha256:none", ""))["items"].empty());
  EXPECT_EQ(plane->prediction_ids("columns", "", "").error().where().field, "input");
  EXPECT_EQ(plane->prediction_ids("nobody", "sha256:abc", "").error().code(), Code::not_found);
}

// The other side of the next test: does its work in a process of its own, which dies at MILLRACE_FAULT.
TEST_F(DataPlaneTest, child_that_dies_while_sealing) {
  const char* log = std::getenv("MILLRACE_TEST_LOG");
  if (log == nullptr) return;
  auto options = of_files();
  options.log_folder = log;
  auto plane = open(options);
  auto served = plane->find("columns", "");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(plane->infer(*served, columns({i, i + 1})));
  ASSERT_TRUE(plane->seal("columns"));
}

TEST_F(DataPlaneTest, sealing_that_dies_anywhere_goes_on_the_next_time) {
  for (const char* point : {"serve.prediction_log.before_end", "serve.seal.before_write", "serve.seal.before_remove"}) {
    auto options = of_files();
    ASSERT_TRUE(remove_tree(options.log_folder));
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::setenv("MILLRACE_FAULT", point, 1);
      ::setenv("MILLRACE_TEST_LOG", options.log_folder.c_str(), 1);
      ::execl("/proc/self/exe", "test", "--gtest_filter=DataPlaneTest.child_that_dies_while_sealing", nullptr);
      ::_exit(1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << point;
    auto plane = open(options);
    EXPECT_EQ((*plane->count_predictions("columns", ""))["count"], 5) << point;
    auto sealed = plane->seal("columns");
    ASSERT_TRUE(sealed) << sealed.error().text();
    EXPECT_EQ((*plane->count_predictions("columns", ""))["count"], 5) << point;
    EXPECT_TRUE(list_segments(options.log_folder + "/columns", ".log").empty()) << point;
  }
}

TEST_F(DataPlaneTest, a_release_serves_every_format_whatever_its_file_is_called) {
  for (const std::string model : {"trees.lightgbm", "trees.xgboost.ubj", "trees.xgboost.json"}) {
    release(1, model, 1);
    auto plane = open({.serving_folder = folder + "/serving"});
    const auto served = plane->find("late", "");
    ASSERT_TRUE(served) << served.error().text();
    EXPECT_EQ((*served)->model().describe()["runtime"], "native");
    InferRequest request;
    request.inputs = {{.type = (*served)->model().inputs()[0].type, .shape = {1, 4}}};
    request.inputs[0].data.resize(4 * size_of(request.inputs[0].type));
    request.wanted = {0};
    const auto reply = plane->infer(*served, request);
    ASSERT_TRUE(reply) << reply.error().text();
    EXPECT_EQ(reply->outputs[0].shape, (Shape{1}));
  }
}

TEST_F(DataPlaneTest, refuses_a_runtime_that_there_is_none) {
  const auto plane = DataPlane::open({.runtime = "fast"}, *engines, context);
  ASSERT_FALSE(plane);
  EXPECT_EQ(plane.error().where().field, "--runtime");
}

TEST_F(DataPlaneTest, requests_that_wait_together_share_a_call_and_are_answered_as_alone) {
  auto options = of_files();
  options.contract.clear();
  options.models.emplace_back("indexed", testdata::path_of("indexed_more"));
  options.batching = "exact";
  auto plane = open(options);
  const auto columns_at = *plane->find("columns", ""), indexed_at = *plane->find("indexed", "");
  ASSERT_TRUE(plane->shares_calls("columns")) << columns_at->model().describe();
  ASSERT_TRUE(plane->shares_calls("indexed")) << indexed_at->model().describe();
  EXPECT_FALSE(plane->shares_calls("nobody"));
  std::vector<InferRequest> requests{columns({10}), testdata::places({3, 4}), columns({20, 30}, "AA"),
                                     testdata::places({99}), testdata::places({5})};
  requests.push_back(columns({40}));
  requests.back().wanted = {1};  // another output: a call of its own
  std::vector<AskedPrediction> asked;
  for (size_t i = 0; i < requests.size(); ++i)
    asked.push_back({.target = requests[i].inputs.size() == 1 ? indexed_at : columns_at, .request = &requests[i]});
  const auto replies = plane->infer_together(asked);
  ASSERT_EQ(replies.size(), requests.size());
  const auto& columns_counts = *columns_at.arm->statistics;
  EXPECT_EQ(columns_counts.success.load(), 3U);
  EXPECT_EQ(columns_counts.executions.load(), 2U);
  EXPECT_EQ(columns_counts.rows.load(), 4U);
  // One value at fault: each of its call ran alone then.
  EXPECT_EQ(indexed_at.arm->statistics->success.load(), 2U);
  EXPECT_EQ(indexed_at.arm->statistics->executions.load(), 2U);
  EXPECT_EQ(indexed_at.arm->statistics->failure.load(), 1U);
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto alone = plane->infer(asked[i].target, requests[i]);
    ASSERT_EQ(static_cast<bool>(replies[i]), static_cast<bool>(alone)) << i;
    EXPECT_EQ(static_cast<bool>(alone), i != 3);
    if (!alone) continue;
    ASSERT_EQ(replies[i]->outputs.size(), 1U);
    EXPECT_EQ(replies[i]->outputs[0].data, alone->outputs[0].data);
    EXPECT_EQ(replies[i]->outputs[0].texts, alone->outputs[0].texts);
    EXPECT_EQ(replies[i]->outputs[0].shape, alone->outputs[0].shape);
    EXPECT_EQ((*plane->find_prediction(replies[i]->prediction_id))["status"], "answered");
  }
  EXPECT_EQ((*plane->count_predictions("columns", ""))["count"], 6);
}

TEST_F(DataPlaneTest, what_waits_together_is_guarded_and_turned_away_one_by_one) {
  auto options = of_files();
  options.queue = 2;
  auto plane = open(options);
  const auto target = *plane->find("columns", "");
  std::vector<InferRequest> requests{columns({10}), columns({5'000}), columns({20})};
  requests[0].timeout = 5;
  requests[0].arrived = clock.steady() - 10;
  std::vector<AskedPrediction> asked;
  for (const auto& each : requests) asked.push_back({.target = target, .request = &each});
  const auto replies = plane->infer_together(asked);
  EXPECT_EQ(replies[0].error().where().field, "parameters.timeout");
  ASSERT_TRUE(replies[1]) << replies[1].error().text();
  EXPECT_EQ(replies[1]->refusal->field, "minutes");
  EXPECT_EQ(replies[2].error().code(), Code::unavailable);  // the third beside two seats
  EXPECT_TRUE(plane->infer(target, requests[2]));           // which are free again
}

}  // namespace
}  // namespace millrace::serve
