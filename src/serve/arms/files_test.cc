// Models of plain files: loaded again, taken out, guarded by mode, turned away and counted.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "core/files.h"
#include "serve/data_plane.h"
#include "serve/testdata/models.h"

namespace millrace::serve {
namespace {

struct FilesTest : ::testing::Test {
  FilesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "files.XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
    put("linear");
  }
  ~FilesTest() override { EXPECT_TRUE(remove_tree(folder)); }

  void put(const std::string& model) const { EXPECT_TRUE(write_file(file(), testdata::bytes_of(model))); }
  std::string file() const { return folder + "/model.onnx"; }
  std::unique_ptr<DataPlane> open(DataPlaneOptions options = {}) {
    options.models = {{"m", file()}};
    auto plane = DataPlane::open(std::move(options), *engines, context);
    if (!plane) ADD_FAILURE() << plane.error().text();
    return plane ? std::move(*plane) : nullptr;
  }
  std::unique_ptr<DataPlane> open_columns(GuardMode mode) {
    put("columns");
    return open({.log_folder = folder + "/log", .contract = testdata::folder() + "/columns.odcs.yaml", .guard = mode});
  }
  static InferRequest ones() {
    InferRequest request{.wanted = {0}};
    Tensor x{.type = DType::fp32, .shape = {1, 3}};
    for (int i = 0; i < 3; ++i) x.push(1.0F);
    request.inputs = {x};
    return request;
  }
  static InferRequest columns(int64_t minutes, const std::string& carrier = "UA") {
    InferRequest request{.wanted = {0}};
    Tensor whole{.type = DType::int64, .shape = {1, 1}}, number{.type = DType::fp32, .shape = {1, 1}};
    whole.push(minutes);
    number.push(0.5F);
    request.inputs = {{.type = DType::bytes, .shape = {1, 1}, .texts = {carrier}}, whole, number};
    return request;
  }
  static Result<float> ask(DataPlane& plane, const InferRequest& request) {
    MILLRACE_TRY(const auto target, plane.find("m", ""));
    MILLRACE_TRY(const auto reply, plane.infer(target, request));
    if (reply.refusal) return Error{Code::rejected, reply.refusal->rule};
    return reply.outputs[0].as<float>()[0];
  }

  std::string folder;
  ManualClock clock;
  SeededRandom random{1};
  Context context{clock, random, silent_log()};
  std::unique_ptr<engine::Engines> engines;
};

TEST_F(FilesTest, loads_a_changed_file_again_and_requests_under_way_keep_their_model) {
  auto plane = open();
  EXPECT_EQ(*ask(*plane, ones()), 111.5F);
  const auto before = *plane->find("m", "");
  put("linear_later");
  ASSERT_TRUE(plane->load_model("m"));
  EXPECT_EQ(*ask(*plane, ones()), 1111.0F);
  EXPECT_EQ(plane->infer(before, ones())->outputs[0].as<float>()[0], 111.5F);
  EXPECT_EQ(plane->models_loaded(), 2U);
  put("linear");
  ASSERT_TRUE(plane->load_model("m"));
  EXPECT_EQ(plane->models_loaded(), 3U) << "the former model of a file is not kept";
}

TEST_F(FilesTest, a_file_that_cannot_be_served_leaves_the_model_before) {
  auto plane = open();
  put("unknown_op");
  const auto refused = plane->load_model("m");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("loading the model 'm' again"), std::string::npos);
  EXPECT_EQ(*ask(*plane, ones()), 111.5F);
  EXPECT_TRUE(plane->ready());
}

TEST_F(FilesTest, an_unloaded_model_is_not_found_says_how_to_come_back_and_does) {
  auto plane = open();
  ASSERT_TRUE(plane->unload_model("m"));
  const auto gone = ask(*plane, ones());
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), Code::not_found);
  EXPECT_NE(gone.error().text().find("/v2/repository/models/m/load"), std::string::npos);
  ASSERT_EQ(plane->models().size(), 1U);
  EXPECT_FALSE(plane->models()[0].ready);
  EXPECT_EQ(plane->models()[0].reason, "unloaded");
  EXPECT_TRUE(plane->ready()) << "somebody wanted it so";
  EXPECT_TRUE(plane->unload_model("m")) << "again is no error";
  ASSERT_TRUE(plane->load_model("m"));
  EXPECT_EQ(*ask(*plane, ones()), 111.5F);
  EXPECT_TRUE(plane->models()[0].ready);
  EXPECT_EQ(plane->load_model("other").error().code(), Code::not_found);
}

TEST_F(FilesTest, the_unloaded_models_memory_is_free_once_its_last_request_is_answered) {
  auto plane = open();
  auto target = std::optional(*plane->find("m", ""));
  const std::weak_ptr<const Model> model = target->arm->loaded->model;
  ASSERT_TRUE(plane->unload_model("m"));
  EXPECT_FALSE(model.expired());
  EXPECT_TRUE(plane->infer(*target, ones()));
  target.reset();
  EXPECT_TRUE(model.expired());
}

TEST_F(FilesTest, a_request_that_waited_too_long_is_not_begun) {
  auto plane = open();
  auto request = ones();
  request.arrived = clock.steady();
  request.timeout = 1000;
  clock.advance(1000);
  EXPECT_TRUE(ask(*plane, request));
  clock.advance(1);
  const auto late = ask(*plane, request);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::unavailable);
  EXPECT_EQ(late.error().where().field, "parameters.timeout");
  EXPECT_NE(late.error().text().find("waited 1001 microseconds, its timeout is 1000"), std::string::npos);
  request.timeout = 0;
  EXPECT_TRUE(ask(*plane, request));
  const auto metrics = plane->metrics_text();
  EXPECT_NE(metrics.find("millrace_requests_late_total 1\n"), std::string::npos);
  EXPECT_NE(
      metrics.find("nv_inference_request_failure{model=\"m\",version=\"1\",arm=\"stable\",reason=\"REJECTED\"} 1\n"),
      std::string::npos);
  EXPECT_NE(metrics.find("nv_inference_queue_duration_us{model=\"m\",version=\"1\",arm=\"stable\"} 3002\n"),
            std::string::npos)
      << metrics;
}

TEST_F(FilesTest, seats_are_bounded_and_come_back) {
  auto plane = open({.queue = 2});
  std::optional<Seat> first(*plane->take_seat("m")), second(*plane->take_seat("m"));
  const auto third = plane->take_seat("m");
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), Code::unavailable);
  EXPECT_NE(third.error().text().find("2 requests are under way"), std::string::npos);
  EXPECT_FALSE(ask(*plane, ones())) << "without a seat of its own";
  auto seated = ones();
  seated.admitted = true;
  EXPECT_TRUE(ask(*plane, seated));
  second.reset();
  EXPECT_TRUE(ask(*plane, ones()));
  EXPECT_TRUE(plane->take_seat("m"));
  EXPECT_NE(plane->metrics_text().find("nv_inference_pending_request_count 1\n"), std::string::npos);
  EXPECT_NE(plane->metrics_text().find("millrace_requests_turned_away_total 2\n"), std::string::npos);
}

TEST_F(FilesTest, clamp_gives_the_model_the_bound_and_keeps_what_came) {
  auto plane = open_columns(GuardMode::clamp);
  const auto target = *plane->find("m", "");
  const auto reply = plane->infer(target, columns(5000));
  ASSERT_TRUE(reply) << reply.error().text();
  ASSERT_FALSE(reply->refusal);
  EXPECT_FLOAT_EQ(reply->outputs[0].as<float>()[0], 1439 + 2 + 0.5F);
  ASSERT_EQ(reply->flags.size(), 1U);
  EXPECT_EQ(reply->flags[0].field, "minutes");
  const auto record = *plane->find_prediction(reply->prediction_id);
  EXPECT_EQ(record["inputs"][1]["data"][0], 5000);
  EXPECT_EQ(record["flags"][0]["verdict"], "clamp");
  EXPECT_EQ(record["status"], "answered");
  EXPECT_FALSE(ask(*plane, columns(10, "United")));
  ASSERT_TRUE(plane->seal("m"));
  EXPECT_EQ((*plane->find_prediction(reply->prediction_id))["flags"], record["flags"]) << "also once it is sealed";
  EXPECT_NE(plane->metrics_text().find("millrace_values_flagged_total{model=\"m\",version=\"1\",arm=\"stable\",field="
                                       "\"minutes\",rule=\"" +
                                       reply->flags[0].rule + "\"} 1\n"),
            std::string::npos);
}

TEST_F(FilesTest, flag_gives_the_model_what_came) {
  auto plane = open_columns(GuardMode::flag);
  EXPECT_FLOAT_EQ(*ask(*plane, columns(5000, "United")), 5000 + 0.5F);
}

TEST_F(FilesTest, counts_by_size_of_batch_and_by_reason) {
  auto plane = open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ask(*plane, ones()));
  const auto& statistics = *(*plane->find("m", "")).arm->statistics;
  const auto batches = statistics.batches.all();
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].size, 1U);
  EXPECT_EQ(batches[0].count, 3U);
  EXPECT_EQ(statistics.rows.load(), 3U);
  EXPECT_EQ(statistics.failure.load(), 0U);
}

// The bar for swaps: clients never notice one.
TEST_F(FilesTest, fifty_swaps_under_clients_fail_no_request) {
  auto plane = open();
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, answered{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      while (!stop) {
        const auto answer = ask(*plane, ones());
        ++(answer && (*answer == 111.5F || *answer == 1111.0F) ? answered : wrong);
      }
    });
  for (int swap = 0; swap < 50; ++swap) {
    put(swap % 2 == 0 ? "linear_later" : "linear");
    EXPECT_TRUE(plane->load_model("m"));
  }
  while (answered < 8) std::this_thread::yield();
  stop = true;
  for (auto& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(plane->models_loaded(), 51U);
}

}  // namespace
}  // namespace millrace::serve
