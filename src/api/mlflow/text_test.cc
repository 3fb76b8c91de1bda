#include "api/mlflow/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/json.h"

namespace millrace::api::mlflow {
namespace {

template <class T>
Json parsed(const T& item) {
  Text text;
  add(text, item);
  auto json = parse_json(text.take(), "text");
  EXPECT_TRUE(json) << json.error().text();
  return json ? *json : Json();
}

TEST(Text, every_text_comes_back_as_it_was) {
  for (const std::string value :
       {"", "plain", "a \"quote\" and a \\", "line\nend\ttab\x01", "größe \U0001F9EA", "</script>\x7f"}) {
    const auto json = parsed(track::KeyValue{value, value});
    EXPECT_EQ(json, (Json{{"key", value}, {"value", value}})) << value;
  }
}

TEST(Text, every_number_comes_back_as_it_was) {
  for (const double value : {0.0, -0.0, 1.0, 0.1, 1e300, -5e-324, 1.7976931348623157e308, 123456789012345680.0}) {
    const auto json =
        parsed(track::Metric{.key = "m", .value = value, .timestamp = -1, .step = std::numeric_limits<int64_t>::min()});
    EXPECT_EQ(json["value"].get<double>(), value);
    EXPECT_EQ(json["step"], std::numeric_limits<int64_t>::min());
    EXPECT_EQ(json["timestamp"], -1);
    EXPECT_EQ(json.size(), 4U);
  }
  EXPECT_EQ(parsed(track::Metric{.key = "m", .value = NAN})["value"], "NaN");
}

TEST(Text, a_run_that_logged_nothing_has_its_four_parts) {
  const track::Run run{
      .info = {.id = "r", .name = "n", .experiment_id = "0", .user_id = "", .status = "RUNNING", .start_time = 7}};
  EXPECT_EQ(
      parsed(run),
      *parse_json(R"({"info": {"run_id": "r", "run_uuid": "r", "run_name": "n", "experiment_id": "0", "user_id": "",
    "status": "RUNNING", "start_time": 7, "artifact_uri": "", "lifecycle_stage": ""}, "data": {}, "inputs": {}, "outputs": {}})",
                  "expected"));
}

TEST(Text, a_run_has_all_that_it_logged) {
  const track::Run run{.info = {.id = "r",
                                .name = "n",
                                .experiment_id = "1",
                                .user_id = "ada",
                                .status = "FINISHED",
                                .start_time = 7,
                                .end_time = 9,
                                .artifact_uri = "mlflow-artifacts:/1/r/artifacts",
                                .lifecycle_stage = "active"},
                       .metrics = {{.key = "a", .value = 0.5, .timestamp = 1, .step = 2},
                                   {.key = "b",
                                    .value = NAN,
                                    .timestamp = 3,
                                    .step = 4,
                                    .model_id = "m-1",
                                    .dataset_name = "d",
                                    .dataset_digest = "1"}},
                       .params = {{"p", "1"}, {"q", ""}},
                       .tags = {{"mlflow.note.content", "two\nlines"}},
                       .datasets = {{{"d", "1", "local", "file", "", ""}, {{"mlflow.data.context", "train"}}},
                                    {{"e", "2", "s3", "x", "{}", "{\"n\": 1}"}, {}}},
                       .model_inputs = {"m-1", "m-2"},
                       .model_outputs = {{"m-3", 5}}};
  EXPECT_EQ(parsed(run), *parse_json(R"({
    "info": {"run_id": "r", "run_uuid": "r", "run_name": "n", "experiment_id": "1", "user_id": "ada", "status": "FINISHED", "start_time": 7,
             "end_time": 9, "artifact_uri": "mlflow-artifacts:/1/r/artifacts", "lifecycle_stage": "active"},
    "data": {"metrics": [{"key": "a", "value": 0.5, "timestamp": 1, "step": 2},
                         {"key": "b", "value": "NaN", "timestamp": 3, "step": 4, "model_id": "m-1", "dataset_name": "d", "dataset_digest": "1"}],
             "params": [{"key": "p", "value": "1"}, {"key": "q", "value": ""}],
             "tags": [{"key": "mlflow.note.content", "value": "two\nlines"}]},
    "inputs": {"dataset_inputs": [
        {"dataset": {"name": "d", "digest": "1", "source_type": "local", "source": "file"}, "tags": [{"key": "mlflow.data.context", "value": "train"}]},
        {"dataset": {"name": "e", "digest": "2", "source_type": "s3", "source": "x", "schema": "{}", "profile": "{\"n\": 1}"}}],
      "model_inputs": [{"model_id": "m-1"}, {"model_id": "m-2"}]},
    "outputs": {"model_outputs": [{"model_id": "m-3", "step": 5}]}})",
                                     "expected"));
}

}  // namespace
}  // namespace millrace::api::mlflow
