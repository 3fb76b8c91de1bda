// What comes through the door: every route of this protocol, read from the table itself, with bodies and addresses that
// no honest client sends. Each is refused with 4xx in MLflow's shape, nothing is written, and the server goes on.
#include <gtest/gtest.h>

#include "api/dispatch.h"
#include "api/mlflow/routes.h"
#include "api/testing.h"
#include "evaluation/datasets.h"
#include "registry/testing.h"
#include "traces/traces.h"
#include "webhooks/webhooks.h"

namespace millrace::api::mlflow {
namespace {

// Every field that some route reads; a route that reads none of them fails these tests until its own are here.
// clang-format off
constexpr std::string_view kFields[] = {
    "action", "alias", "aliases", "allow_deleted", "allow_partial", "archive_existing_versions",
    "artifact_directory_path", "artifact_location", "artifact_path", "ascending", "assessment", "assessment_id",
    "assessment_name", "assessments", "client_request_id", "context", "dataset", "dataset_digest", "dataset_name",
    "dataset_record_ids", "datasets", "description", "digest", "end_step", "end_time", "entity", "etag", "event",
    "events", "execution_duration", "expectation", "experiment_id", "experiment_ids", "experiment_name", "expiration",
    "feedback", "field_name", "filter", "filter_string", "issue", "keep_extremes", "key", "locations", "max_results",
    "max_timestamp_millis", "max_traces", "metric_key", "metrics", "mlflow_experiment", "model_id", "model_json",
    "model_type", "models", "name", "new_name", "num_parts", "order_by", "overrides", "page_token", "params",
    "part_number", "parts", "path", "prompt_versions", "rationale", "records", "request_id", "request_ids",
    "request_metadata", "request_preview", "response_preview", "run_id", "run_ids", "run_link", "run_name",
    "run_uuid", "run_view_type", "secret", "source", "source_run_id", "span_id", "stage", "stages", "start_step",
    "start_time", "state", "status", "step", "tags", "timestamp", "timestamp_ms", "trace", "trace_id", "trace_ids",
    "trace_location", "update_mask", "upload_id", "url", "user_id", "valid", "value", "version", "view_type",
};
// clang-format on

std::string camel(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i)
    out += name[i] == '_' && i + 1 < name.size() ? static_cast<char>(name[++i] & ~0x20) : name[i];
  return out;
}

class StrictTest : public testing::RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    traces =
        std::make_unique<traces::Traces>(*services->database, services->journal, world.context, services->tracking);
    Services all{services->tracking, *models, [this]() -> Result<Project> { return load_project(project.path()); }};
    all.traces = traces.get();
    evaluation = std::make_unique<evaluation::Datasets>(*services->database, services->journal, world.context,
                                                        services->tracking);
    all.evaluation = evaluation.get();
    auto seal = webhooks::Seal::load(state / "webhooks.key", world.context.random);
    ASSERT_TRUE(seal) << seal.error().text();
    webhooks = std::make_unique<webhooks::Webhooks>(*services->database, services->journal, world.context,
                                                    std::move(*seal), webhooks::AllowedHosts{});
    all.webhooks = webhooks.get();
    dispatcher = std::make_unique<Dispatcher>(Router(routes(all)), nobody, world.context);
    // A workspace has its first experiment from its first use on.
    EXPECT_EQ(send("POST", "/api/2.0/mlflow/experiments/search", "{}").status, 200);
    lines = journal_lines();
  }
  void TearDown() override {
    if (!writes) {
      EXPECT_EQ(journal_lines(), lines) << "something was written";
    }
    EXPECT_EQ(send("POST", "/api/2.0/mlflow/experiments/create", R"({"name": "still here"})").status, 200);
    dispatcher.reset();
    RegistryTest::TearDown();
  }

  int64_t journal_lines() const {
    const auto events = services->journal.read_after("default", 0, 10'000);
    return events ? static_cast<int64_t>(events->size()) : -1;
  }

  Reply send(const std::string& method, const std::string& target, const std::string& body,
             const std::string& type = "application/json") {
    Request request;
    request.method = method;
    request.headers = {{"content-type", type}};
    request.body = body;
    if (auto split = split_target(target, request); !split)
      return api::error_reply("/api/2.0/mlflow", split.error(), "");
    return dispatcher->dispatch(request, {.local = true, .local_subject = "local:ada"});
  }

  static bool has_shape(const Reply& reply) {
    const auto json = parse_json(reply.body, "reply");
    return json && string_or(*json, "error_code", "") != "" && string_or(*json, "message", "") != "";
  }
  void expect_refused(const Route& route, const std::string& body, const std::string& type = "application/json") {
    const auto reply = send(route.method, path_of(route), body, type);
    EXPECT_TRUE(reply.status >= 400 && reply.status < 500 && has_shape(reply))
        << route.method << " " << route.pattern << " " << type << " " << body.substr(0, 200) << "\n"
        << reply.status << " " << reply.body;
  }
  void expect_no_fault(const Route& route, const std::string& target, const std::string& body) {
    const auto reply = send(route.method, target, body);
    // 501 is what clients look for where a local store cannot hand out addresses.
    const bool not_here = reply.status == 501 && route.pattern.find("/presigned/") != std::string::npos;
    EXPECT_TRUE(reply.status < 400 || ((reply.status < 500 || not_here) && has_shape(reply)))
        << route.method << " " << target << " " << body << "\n"
        << reply.status << " " << reply.body;
  }

  // Deletions that are fine again, of what their address names: there is no field to be wrong.
  static bool reads_no_field(const Route& route) {
    return route.method == "DELETE" && (route.pattern.ends_with("/datasets/{dataset_id}") ||
                                        route.pattern.ends_with("/datasets/{dataset_id}/tags/{key...}"));
  }

  static std::string path_of(const Route& route) {
    std::string out;
    for (size_t i = 0; i < route.pattern.size(); ++i) {
      if (route.pattern[i] != '{') {
        out += route.pattern[i];
        continue;
      }
      out += "x1";
      i = route.pattern.find('}', i);
    }
    return out;
  }
  // Those that read a JSON body.
  std::vector<Route> with_body() const {
    std::vector<Route> out;
    for (const auto& route : dispatcher->router().routes())
      if (route.method != "GET" && !route.limit.spool && !route.pattern.ends_with("{path...}")) out.push_back(route);
    return out;
  }

  millrace::testing::Nobody nobody;
  std::unique_ptr<traces::Traces> traces;
  std::unique_ptr<evaluation::Datasets> evaluation;
  std::unique_ptr<webhooks::Webhooks> webhooks;
  std::unique_ptr<Dispatcher> dispatcher;
  int64_t lines = 0;
  bool writes = false;  // some of the test's requests are fine with some routes
};

TEST_F(StrictTest, broken_bodies_are_refused_by_every_route) {
  std::string deep = R"({"a": )";
  for (int i = 0; i < 100; ++i) deep += "[";
  for (int i = 0; i < 100; ++i) deep += "]";
  std::string digits = R"({"a": 1.)";
  digits.append(10'000, '1');
  const std::string bodies[] = {"{",
                                "{\"run_id\":",
                                "{}x",
                                "{} {}",
                                "[]",
                                "5",
                                "true",
                                "\"",
                                "\"{\"",
                                R"("\"{}\"")",
                                "nul",
                                "{'a': 1}",
                                "{\"a\": 1,}",
                                "{\"a\": 01}",
                                "{\"a\": 1, \"a\": 2}",
                                "{\"a\": \"\xff\"}",
                                "{\"a\": \"\xc0\xaf\"}",
                                R"({"a": "\ud800"})",
                                R"({"a": "\u0000"})",
                                R"({"a": [{"b\u0000": 1}]})",
                                std::string("{}\0", 3),
                                std::string("\0", 1),
                                "{\"a\": 1e999}",
                                "NaN",
                                "{NaN: 1}",
                                "{\"a\": NaNNaN}",
                                digits + "}",
                                deep + "}",
                                std::string(100'000, '['),
                                "<xml/>",
                                "a=b&c=d"};
  for (const auto& route : with_body())
    for (const auto& body : bodies) expect_refused(route, body);
}

TEST_F(StrictTest, a_body_of_another_type_is_refused_by_every_route) {
  for (const auto& route : with_body())
    for (const std::string type : {"", "text/plain", "application/jsonx", "application/x-www-form-urlencoded",
                                   "multipart/form-data; boundary=x", "application/json/x"})
      expect_refused(route, R"({"name": "a"})", type);
}

TEST_F(StrictTest, a_body_over_its_limit_is_refused_by_every_route) {
  for (const auto& route : with_body()) {
    std::string body = R"({"name": ")";
    body.append(route.limit.bytes, 'x');
    expect_refused(route, body + "\"}");
  }
}

TEST_F(StrictTest, fields_of_wrong_types_are_refused_by_every_route) {
  for (const std::string wrong :
       {"[[]]", "{\"a\": {}}", "[1]", "true", "9223372036854775808", "-9223372036854775809", "1e300", "0.5"}) {
    std::string all = "{", camels = "{";
    for (const auto field : kFields) {
      all += fmt::format("{}\"{}\": {}", all.size() > 1 ? ", " : "", field, wrong);
      camels += fmt::format("{}\"{}\": {}", camels.size() > 1 ? ", " : "", camel(field), wrong);
    }
    for (const auto& route : with_body()) {
      if (reads_no_field(route)) continue;
      expect_refused(route, all + "}");
      expect_refused(route, camels + "}");
    }
  }
}

TEST_F(StrictTest, no_value_of_any_field_is_a_fault) {
  writes = true;
  for (const auto& route : with_body())
    for (const auto field : kFields)
      for (const std::string wrong : {"[[]]", "{\"a\": {}}", "9223372036854775808", "\"\"", "-1", "1e300", "[{}]"})
        expect_no_fault(route, path_of(route), fmt::format("{{\"{}\": {}}}", field, wrong));
}

TEST_F(StrictTest, both_spellings_of_a_field_are_refused_by_every_route) {
  std::string body = "{";
  for (const auto field : kFields) {
    body += fmt::format("{}\"{}\": \"x\"", body.size() > 1 ? ", " : "", field);
    if (camel(field) != field) body += fmt::format(", \"{}\": \"x\"", camel(field));
  }
  for (const auto& route : with_body())
    if (!reads_no_field(route)) expect_refused(route, body + "}");
}

TEST_F(StrictTest, an_empty_body_is_refused_where_something_is_needed) {
  writes = true;
  // All that these read has a standard.
  const std::set<std::string> standards = {
      "/experiments/search",   "/datasets/search",          "/runs/search",          "/runs/create",
      "/logged-models/search", "/registered-models/search", "/model-versions/search"};
  for (const auto& route : with_body()) {
    const bool standard = std::any_of(standards.begin(), standards.end(),
                                      [&](const auto& end) { return route.pattern.ends_with("mlflow" + end); });
    for (const std::string body : {"", "{}", "null"})
      if (!standard && !reads_no_field(route))
        expect_refused(route, body);
      else
        expect_no_fault(route, path_of(route), body);
  }
}

TEST_F(StrictTest, lists_without_end_are_refused) {
  std::string tags = R"({"name": "many", "experiment_id": "0", "tags": [)";
  for (int i = 0; i < 100'000; ++i) tags += fmt::format("{}{{\"key\": \"{}\", \"value\": \"\"}}", i > 0 ? "," : "", i);
  tags += "]}";
  std::string ids = R"({"experiment_ids": [)";
  for (int i = 0; i < 100'000; ++i) ids += fmt::format("{}\"{}\"", i > 0 ? "," : "", i);
  ids += "]}";
  std::string keys = "{\"a\": 1";
  for (int i = 0; i < 20'000; ++i) keys += fmt::format(",\"{}\": 1", i);
  for (const auto& route : with_body()) {
    expect_refused(route, keys + "}");
    if (route.pattern.ends_with("/create")) expect_refused(route, tags);
    if (route.pattern.ends_with("runs/search")) expect_refused(route, ids);
  }
}

TEST_F(StrictTest, hostile_addresses_are_refused_or_find_nothing) {
  std::vector<std::string> values = {"x", "-1", "9223372036854775808", "1e300", "%5B%5D", "0.5", "true", ""};
  for (const auto& route : dispatcher->router().routes()) {
    if (route.method != "GET") continue;
    for (const auto field : kFields)
      for (const auto& value : values) {
        expect_no_fault(route, fmt::format("{}?{}={}", path_of(route), field, value), "");
        expect_no_fault(route, fmt::format("{}?{}={}&{}={}", path_of(route), field, value, field, value), "");
      }
    for (const std::string query : {"?run_id=%ff", "?a%ff=1", "?run_id=%00", "?run_id=%zz", "?run_id=%c0%af"}) {
      const auto reply = send("GET", path_of(route) + query, "");
      EXPECT_EQ(reply.status, 400) << route.pattern << query;
      EXPECT_TRUE(has_shape(reply)) << reply.body;
    }
  }
  for (const std::string path : {"/api/2.0/mlflow/runs/%ff", "/api/2.0/mlflow-artifacts/artifacts/%c0%ae%c0%ae/x",
                                 "/api/2.0/mlflow-artifacts/artifacts/a/%2e%2e/%2e%2e/x", "/api/2.0/mlflow/%00"})
    EXPECT_EQ(send("GET", path, "").status, 400) << path;
}

TEST_F(StrictTest, what_is_not_there_is_said_to_be_so) {
  for (const std::string prefix : {"/api", "/ajax-api"})
    for (const std::string path :
         {"/2.0/mlflow/gateway-proxy", "/3.0/mlflow/gateway/endpoints/list", "/3.0/mlflow/gateway/secrets/create",
          "/3.0/mlflow/prompt-optimization/jobs", "/3.0/mlflow/demo/generate", "/3.0/mlflow/genai/evaluate/invoke",
          "/3.0/mlflow/skills", "/3.0/mlflow/mcp-servers", "/2.0/mlflow/promptlab/create-run", "/2.0/mlflow/graphql",
          "/3.0/jobs", "/3.0/jobs/search", "/3.0/mlflow/assistant/chat", "/3.0/mlflow/ui-telemetry",
          "/2.0/mlflow/runs/no-such-thing", "/2.0/mlflow", "/2.0/", "/3.0/mlflow/"})
      for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
        const auto reply = send(method, prefix + path, method == "GET" ? "" : "{}");
        EXPECT_EQ(reply.status, 404) << method << " " << prefix << path;
        EXPECT_NE(reply.body.find("ENDPOINT_NOT_FOUND"), std::string::npos) << reply.body;
      }
  EXPECT_EQ(send("POST", "/graphql", "{}").status, 404);
  EXPECT_NE(send("POST", "/graphql", "{}").body.find("ENDPOINT_NOT_FOUND"), std::string::npos);
}

}  // namespace
}  // namespace millrace::api::mlflow
