#include <gtest/gtest.h>

#include "api/dispatch.h"
#include "api/mlflow/routes.h"
#include "core/files.h"
#include "track/testing.h"

namespace millrace::api::mlflow {
namespace {

class MlflowTest : public ::testing::Test {
 protected:
  testing::Tracked world;
  Router router{routes(world.tracking)};

  struct Answer {
    int status = 0;
    Json json;
    std::string body;
    Pairs headers;
    std::string code() const { return string_or(json, "error_code", ""); }
    std::string message() const { return string_or(json, "message", ""); }
  };

  Answer send(const std::string& method, const std::string& target, const std::string& body = "",
              const std::string& type = "application/json") {
    Request request{.method = method,
                    .path = {},
                    .args = {},
                    .query = {},
                    .headers = {{"content-type", type}},
                    .body = body,
                    .body_file = {},
                    .caller = world.ada};
    EXPECT_TRUE(split_target(target, request));
    const auto match = router.match(method, request.path);
    if (match.route == nullptr) return {.status = 404, .json = {}, .body = "", .headers = {}};
    request.args = match.args;
    const auto reply = match.route->handler(request);
    Answer out{reply.status, Json(), reply.body, reply.headers};
    if (auto json = parse_json(reply.body, "reply")) out.json = *json;
    out.body.resize(out.body.size() + reply.stream_size);
    if (reply.stream) {
      EXPECT_EQ(*reply.stream->read(out.body.data(), out.body.size()), reply.stream_size);
    }
    return out;
  }
  Answer post_text(const std::string& path, const std::string& body) {
    return send("POST", "/api/2.0/mlflow" + path, body);
  }
  Answer post(const std::string& path, const Json& body) { return post_text(path, to_text(body)); }
  Answer get(const std::string& path) { return send("GET", "/api/2.0/mlflow" + path); }

  std::string new_run() {
    return post("/runs/create", Json{{"experiment_id", "0"}, {"start_time", 1}})
        .json["run"]["info"]["run_id"]
        .get<std::string>();
  }
};

TEST_F(MlflowTest, makes_and_finds_an_experiment) {
  const auto made = post_text("/experiments/create",
                              R"({"name": "flights", "tags": [{"key": "team", "value": "ops"}], "unknown": 1})");
  EXPECT_EQ(made.json, Json({{"experiment_id", "1"}}));
  const auto found = get("/experiments/get-by-name?experiment_name=flights");
  EXPECT_EQ(found.json["experiment"]["tags"][0]["value"], "ops");
  EXPECT_EQ(found.json["experiment"]["artifact_location"], "mlflow-artifacts:/1");
  const auto again = post_text("/experiments/create", R"({"name": "flights"})");
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.code(), "RESOURCE_ALREADY_EXISTS");
  EXPECT_EQ(get("/experiments/get?experiment_id=99").code(), "RESOURCE_DOES_NOT_EXIST");
  EXPECT_EQ(get("/experiments/get?experiment_id=99").status, 404);
}

TEST_F(MlflowTest, missing_and_wrong_values_are_named) {
  const auto missing = post_text("/runs/log-metric", R"({"run_id": "a", "value": 1, "timestamp": 1})");
  EXPECT_EQ(missing.status, 400);
  EXPECT_EQ(missing.code(), "INVALID_PARAMETER_VALUE");
  EXPECT_EQ(
      missing.message(),
      "Missing value for required parameter 'key'. See the API docs for more information about request parameters.");
  const auto wrong = post_text("/runs/log-metric", R"({"run_id": 5, "key": "a", "value": 1, "timestamp": 1})");
  EXPECT_EQ(wrong.message(),
            "Invalid value 5 for parameter 'run_id' supplied: Hint: Value was of type 'int'. See the API docs for more "
            "information about request parameters.");
  const auto inside =
      post_text("/runs/log-batch", R"({"run_id": "a", "metrics": [{"key": "a", "value": "x", "timestamp": 1}]})");
  EXPECT_NE(inside.message().find("Invalid value \"x\" for parameter 'metrics[0].value' supplied"), std::string::npos);
}

TEST_F(MlflowTest, integers_may_be_texts_and_names_camel_case_but_not_both) {
  const auto run = new_run();
  EXPECT_EQ(
      post("/runs/log-metric", Json{{"runId", run}, {"key", "m"}, {"value", 1}, {"timestamp", "5"}, {"step", "7"}})
          .status,
      200);
  EXPECT_EQ(get("/runs/get?run_uuid=" + run).json["run"]["data"]["metrics"][0]["step"], 7);
  const auto both =
      post("/runs/log-metric", Json{{"runId", run}, {"run_id", run}, {"key", "m"}, {"value", 1}, {"timestamp", 5}});
  EXPECT_EQ(both.status, 400);
  EXPECT_NE(both.message().find("Request specifies both 'run_id' and 'runId'"), std::string::npos);
  EXPECT_EQ(post("/runs/log-parameter", Json{{"run_uuid", run}, {"key", "p"}, {"value", "1"}}).status, 200);
}

TEST_F(MlflowTest, nan_and_infinity_come_as_texts_or_bare_words) {
  const auto run = new_run();
  EXPECT_EQ(
      post_text(
          "/runs/log-batch",
          R"({"run_id": ")" + run +
              R"(", "metrics": [{"key": "a", "value": NaN, "timestamp": 1}, {"key": "b", "value": "Infinity", "timestamp": 1},
    {"key": "c", "value": -Infinity, "timestamp": 1}], "tags": [{"key": "t", "value": "NaN \" Infinity"}]})")
          .status,
      200);
  const auto data = get("/runs/get?run_id=" + run).json["run"]["data"];
  EXPECT_EQ(data["metrics"][0]["value"], "NaN");
  EXPECT_EQ(data["metrics"][1]["value"], 1.7976931348623157e308);
  EXPECT_EQ(data["metrics"][2]["value"], -1.7976931348623157e308);
  EXPECT_EQ(data["tags"][1]["value"], "NaN \" Infinity");
}

TEST_F(MlflowTest, broken_bodies_are_refused_and_never_read_as_empty) {
  for (const std::string body : {"{", "{}x", "[]", "5", "\"", "\"{\"", "{\"name\": \"\xff\"}", "nul",
                                 "{\"name\": \"a\", \"name\": \"b\"}", "NaN", "{\"name\": {}}"}) {
    const auto answer = post_text("/experiments/create", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.code(), "INVALID_PARAMETER_VALUE") << body;
  }
  EXPECT_EQ(post_text("/experiments/create", std::string(200, '[')).status, 400);
  EXPECT_EQ(send("POST", "/api/2.0/mlflow/experiments/create", R"({"name": "a"})", "text/plain").status, 400);
  EXPECT_EQ(post_text("/experiments/create", R"("{\"name\": \"twice\"}")").status, 200);
}

TEST_F(MlflowTest, no_endpoint_answers_5xx_to_any_shape_of_body) {
  for (const auto& route : router.routes()) {
    auto path = route.pattern;
    for (const auto* name : {"{model_id}", "{key...}", "{path...}"})
      if (const auto at = path.find(name); at != std::string::npos) path.replace(at, std::string(name).size(), "m-1");
    for (
        const std::string body :
        {"", "{}", R"({"run_id": "x"})",
         R"({"run_id": [], "metrics": {}, "tags": [1], "experiment_ids": [1], "order_by": "x", "datasets": [{}], "models": [[]]})",
         R"({"run_id": "x", "key": "k", "value": true, "timestamp": 1e400})",
         R"({"name": "n", "experiment_id": "zz", "status": 77, "params": [{}], "max_results": -1})"}) {
      const auto status = send(route.method, path, body).status;
      EXPECT_TRUE(status < 500 || status == 501)  // this store has no addresses to hand out
          << status << " " << route.method << " " << path << " " << body;
    }
  }
}

TEST_F(MlflowTest, a_deleted_run_refuses_writes) {
  const auto run = new_run();
  EXPECT_EQ(post("/runs/delete", Json{{"run_id", run}}).json, Json::object());
  const auto refused = post("/runs/set-tag", Json{{"run_id", run}, {"key", "a"}, {"value", "b"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.message().find("must be in the 'active' state"), std::string::npos);
  EXPECT_EQ(post("/runs/restore", Json{{"run_id", run}}).status, 200);
  EXPECT_EQ(post("/runs/update", Json{{"run_id", run}, {"status", 3}, {"end_time", "9"}}).json["run_info"]["status"],
            "FINISHED");
}

TEST_F(MlflowTest, runs_are_searched_and_paged) {
  for (int i = 0; i < 3; ++i) new_run();
  auto page = post("/runs/search", Json{{"experiment_ids", {"0"}}, {"max_results", 2}, {"run_view_type", "ALL"}});
  ASSERT_EQ(page.json["runs"].size(), 2U);
  page = post("/runs/search", Json{{"experiment_ids", {"0"}},
                                   {"max_results", 2},
                                   {"run_view_type", "ALL"},
                                   {"page_token", page.json["next_page_token"]}});
  EXPECT_EQ(page.json["runs"].size(), 1U);
  EXPECT_FALSE(page.json.contains("next_page_token"));
  const auto refused =
      post("/runs/search", Json{{"experiment_ids", {"0"}}, {"filter", "metrics.a > 1 OR metrics.b > 1"}});
  EXPECT_EQ(refused.code(), "INVALID_PARAMETER_VALUE");
  EXPECT_NE(refused.message().find("Invalid clause(s) in filter string: 'OR'"), std::string::npos);
}

// The plain form is read in another way than any other: both must mean the same.
TEST_F(MlflowTest, a_batch_means_the_same_however_it_is_written) {
  const auto logged = [&](const std::string& rest) {
    const auto run = new_run();
    const auto answer = post_text("/runs/log-batch", R"({"run_id": ")" + run + "\", " + rest + "}");
    auto data = get("/runs/get?run_id=" + run).json["run"]["data"];
    for (auto& metric : data["metrics"]) metric.erase("run_id");
    Json tags = Json::array();
    for (const auto& tag : data["tags"])
      if (tag["key"] != "mlflow.runName") tags.push_back(tag);
    data["tags"] = std::move(tags);
    return Json{{"status", answer.status}, {"data", std::move(data)}};
  };
  const auto plain = logged(
      R"("metrics": [{"key": "a\u00e9", "value": 1.5, "timestamp": 9, "step": -2}, {"key": "b", "value": "NaN", "timestamp": 0},
        {"key": "c", "value": 3, "timestamp": 1, "model_id": "", "dataset_name": "june", "dataset_digest": "d"}],
        "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": ""}])");
  const auto unusual = logged(
      R"("metrics": [{"key": "a\u00e9", "value": "1.5", "timestamp": "9", "step": -2.0}, {"key": "b", "value": NaN, "timestamp": 0},
        {"key": "c", "value": 3, "timestamp": 1, "datasetName": "june", "datasetDigest": "d", "more": {}}],
        "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t"}])");
  EXPECT_EQ(plain, unusual);
  EXPECT_EQ(plain["status"], 200);
  const auto good =
      logged(R"("metrics": [{"key": "a", "value": 1e300, "timestamp": 9}], "params": [{"key": "p", "value": "1"}])");
  const auto same =
      logged(R"("metrics": [{"key": "a", "value": "1e300", "timestamp": 9}], "params": [{"key": "p", "value": "1"}])");
  EXPECT_EQ(good, same);
  EXPECT_EQ(good["status"], 200);
  EXPECT_EQ(good["data"]["metrics"][0]["value"], 1e300);
  for (const auto* bad :
       {R"("metrics": [{"key": "a", "value": 1, "value": 2, "timestamp": 9}])",
        R"("metrics": [{"key": "a", "value": 1}])", R"("metrics": [{"key": "", "value": 1, "timestamp": 9}])",
        R"("metrics": [{"key": "a", "value": 1, "timestamp": 1.5}])", R"("metrics": {})", R"("metrics": [1])",
        R"("params": [{"key": "p", "value": 1}])", R"("metrics": [], "metrics": [])",
        R"("tags": [{"key": "t", "value": "\ud800"}])"})
    EXPECT_EQ(logged(bad)["status"], 400) << bad;
}

TEST_F(MlflowTest, a_history_names_what_its_points_were_measured_on) {
  const auto run = new_run();
  ASSERT_EQ(post_text("/runs/log-batch", R"({"run_id": ")" + run + R"(", "metrics": [
      {"key": "m", "value": 1, "timestamp": 1, "step": 1, "model_id": "m-1", "dataset_name": "a \"b\"", "dataset_digest": "d"},
      {"key": "m", "value": "NaN", "timestamp": 2, "step": 2}, {"key": "m", "value": "-Infinity", "timestamp": 3, "step": 3}]})")
                .status,
            200);
  const auto points = get("/metrics/get-history?run_id=" + run + "&metric_key=m").json;
  const Json first{{"key", "m"},
                   {"value", 1.0},
                   {"timestamp", 1},
                   {"step", 1},
                   {"model_id", "m-1"},
                   {"dataset_name", "a \"b\""},
                   {"dataset_digest", "d"},
                   {"run_id", run}};
  EXPECT_EQ(points["metrics"][0], first);
  EXPECT_EQ(points["metrics"][1]["value"], "NaN");
  EXPECT_EQ(points["metrics"][2]["value"], -1.7976931348623157e308);
  EXPECT_EQ(get("/metrics/get-history?run_id=" + run + "&metric_key=none").body, "{}");
  EXPECT_EQ(get("/metrics/get-history-bulk-interval?run_ids=" + run + "&metric_key=none").body, R"({"metrics":[]})");
}

TEST_F(MlflowTest, a_history_comes_whole_or_in_pages) {
  const auto run = new_run();
  Json metrics = Json::array();
  for (int i = 0; i < 10; ++i) metrics.push_back({{"key", "m"}, {"value", i}, {"timestamp", i}, {"step", i}});
  ASSERT_EQ(post("/runs/log-batch", Json{{"run_id", run}, {"metrics", metrics}}).status, 200);
  EXPECT_EQ(get("/metrics/get-history?run_id=" + run + "&metric_key=m").json["metrics"].size(), 10U);
  const auto first = get("/metrics/get-history?run_id=" + run + "&metric_key=m&max_results=6").json;
  EXPECT_EQ(first["metrics"].size(), 6U);
  const auto rest = get("/metrics/get-history?run_id=" + run +
                        "&metric_key=m&max_results=6&page_token=" + first["next_page_token"].get<std::string>())
                        .json;
  EXPECT_EQ(rest["metrics"].size(), 4U);
  EXPECT_EQ(get("/metrics/get-history?run_id=" + run + "&metric_key=m&max_results=0").status, 400);
  EXPECT_EQ(get("/metrics/get-history-bulk-interval?run_ids=" + run + "&metric_key=m&max_results=3")
                .json["metrics"]
                .back()["step"],
            9);
  EXPECT_EQ(send("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id=" + run + "&metric_key=m")
                .json["metrics"]
                .size(),
            10U);
}

TEST_F(MlflowTest, artifacts_go_through_the_proxy) {
  const auto run = new_run();
  const auto root = "/api/2.0/mlflow-artifacts/artifacts/0/" + run + "/artifacts";
  EXPECT_EQ(send("PUT", root + "/a/b.txt", "hello").status, 200);
  const auto got = send("GET", root + "/a/b.txt");
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(send("GET", "/api/2.0/mlflow-artifacts/artifacts?path=0/" + run + "/artifacts/a").json["files"][0]["path"],
            "b.txt");
  const auto listed = get("/artifacts/list?run_id=" + run + "&path=a").json;
  EXPECT_EQ(listed["files"][0]["path"], "a/b.txt");
  EXPECT_EQ(listed["files"][0]["file_size"], 5);
  EXPECT_EQ(send("GET", "/get-artifact?run_id=" + run + "&path=a/b.txt").body, "hello");
  EXPECT_EQ(send("GET", "/get-artifact?run_id=" + run + "&path=../../../meta.db").status, 400);
  EXPECT_EQ(get("/artifacts/list?run_id=" + run + "&path=..").status, 400);
  EXPECT_EQ(send("GET", root + "/none").status, 404);
  EXPECT_EQ(send("DELETE", root + "/a").status, 200);
  EXPECT_EQ(send("DELETE", root + "/a").status, 404);
}

TEST_F(MlflowTest, logged_models_are_made_finalized_and_found) {
  const auto run = new_run();
  const auto made = post("/logged-models", Json{{"experiment_id", "0"}, {"name", "late"}, {"source_run_id", run}})
                        .json["model"]["info"];
  const auto id = made["model_id"].get<std::string>();
  EXPECT_EQ(made["status"], "LOGGED_MODEL_PENDING");
  EXPECT_EQ(send("PATCH", "/api/2.0/mlflow/logged-models/" + id, R"({"model_id": ")" + id + R"(", "status": 2})")
                .json["model"]["info"]["status"],
            "LOGGED_MODEL_READY");
  EXPECT_EQ(
      send("PATCH", "/api/2.0/mlflow/logged-models/" + id + "/tags", R"({"tags": [{"key": "a/b", "value": "c"}]})")
          .status,
      200);
  EXPECT_EQ(send("DELETE", "/api/2.0/mlflow/logged-models/" + id + "/tags/a%2Fb").status, 200);
  EXPECT_EQ(post("/runs/outputs", Json{{"run_id", run}, {"models", {{{"model_id", id}, {"step", 2}}}}}).status, 200);
  EXPECT_EQ(get("/runs/get?run_id=" + run).json["run"]["outputs"]["model_outputs"][0]["model_id"], id);
  const auto found =
      post("/logged-models/search", Json{{"experiment_ids", {"0"}},
                                         {"filter", "name = 'late'"},
                                         {"order_by", {{{"field_name", "creation_time"}, {"ascending", false}}}}});
  EXPECT_EQ(found.json["models"].size(), 1U) << found.body;
  EXPECT_EQ(get("/logged-models/" + id + "/artifacts/directories").json["root_uri"],
            "mlflow-artifacts:/0/models/" + id + "/artifacts");
  EXPECT_EQ(send("DELETE", "/api/2.0/mlflow/logged-models/" + id).status, 200);
  EXPECT_EQ(get("/logged-models/" + id).status, 404);
}

TEST_F(MlflowTest, the_server_says_what_it_is) {
  EXPECT_EQ(send("GET", "/version").body, "3.17.2");
  EXPECT_EQ(send("GET", "/api/3.0/mlflow/server-info").json["multipart_uploads_enabled"], true);
  EXPECT_EQ(post_text("/registered-models/create", R"({"name": "a"})").status, 404);
}

}  // namespace
}  // namespace millrace::api::mlflow
