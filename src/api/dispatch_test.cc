#include "api/dispatch.h"

#include <gtest/gtest.h>

#include "api/status.h"
#include "core/error_json.h"
#include "core/limits.h"

namespace millrace::api {
namespace {

Route route(std::string method, std::string pattern, Permission permission = Permission::read) {
  return {std::move(method),
          pattern,
          permission,
          BodyLimit{16},
          "none",
          Run::worker,
          [pattern](Request& in) {
            return Reply::json({{"pattern", pattern}, {"args", in.args}, {"subject", in.caller.subject}});
          },
          "for the test"};
}

class OneToken final : public Authenticator {
 public:
  Result<Caller> of_token(const std::string& workspace, std::string_view token) const override {
    if (token != "mr_good") return Error{Code::unauthenticated, "the token is unknown, expired or revoked"};
    return Caller{.workspace = workspace, .subject = "ann", .roles = {"reader"}};
  }
};

class Dispatching : public ::testing::Test {
 protected:
  Reply send(const std::string& method, const std::string& target, Pairs headers = {}, std::string body = "",
             bool local = false) {
    Request request;
    request.method = method;
    request.headers = std::move(headers);
    request.body = std::move(body);
    if (auto split = split_target(target, request); !split) return error_reply("/", split.error(), "");
    return dispatcher_.dispatch(request, {.local = local, .local_subject = "local:me"});
  }

  ManualClock clock_;
  SeededRandom random_{7};
  Context context_{clock_, random_, silent_log()};
  OneToken tokens_;
  Dispatcher dispatcher_{
      Router({route("GET", "/a/{x}/b"), route("GET", "/a/fixed/b"), route("POST", "/a/{x}/b", Permission::admin),
              route("GET", "/rest/{path...}"), route("GET", "/open", Permission::open), route("GET", "/v2/models/{m}"),
              route("GET", "/api/2.0/mlflow/x")}),
      tokens_, context_};
};

TEST_F(Dispatching, a_literal_part_wins_over_a_named_one) {
  EXPECT_NE(send("GET", "/a/fixed/b", {}, "", true).body.find("/a/fixed/b"), std::string::npos);
  EXPECT_NE(send("GET", "/a/other/b", {}, "", true).body.find(R"("x":"other")"), std::string::npos);
}

TEST_F(Dispatching, the_rest_of_a_path_is_decoded_once) {
  EXPECT_NE(send("GET", "/rest/m%2Fn/o%2520p", {}, "", true).body.find(R"("path":"m/n/o%20p")"), std::string::npos);
  EXPECT_EQ(send("GET", "/rest/%2e%2e/x", {}, "", true).status, 400);
}

TEST_F(Dispatching, unknown_paths_are_404_and_wrong_methods_405_with_the_right_ones) {
  EXPECT_EQ(send("GET", "/nowhere", {}, "", true).status, 404);
  const auto wrong = send("DELETE", "/a/b/b", {}, "", true);
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers[0].second, "GET, POST");
}

TEST_F(Dispatching, each_protocol_gets_its_own_shape_of_error) {
  EXPECT_NE(send("GET", "/v2/nothing").body.find(R"({"error":)"), std::string::npos);
  EXPECT_NE(send("GET", "/api/2.0/mlflow/nothing").body.find("ENDPOINT_NOT_FOUND"), std::string::npos);
  EXPECT_NE(send("GET", "/api/2.0/mlflow/x").body.find("UNAUTHENTICATED"), std::string::npos);
  EXPECT_EQ(send("GET", "/nothing").content_type, "application/problem+json");
}

TEST_F(Dispatching, strangers_reach_open_routes_only) {
  EXPECT_EQ(send("GET", "/open").status, 200);
  EXPECT_EQ(send("GET", "/a/1/b").status, 401);
}

TEST_F(Dispatching, a_token_works_as_bearer_and_as_basic_password_and_gives_its_roles_only) {
  EXPECT_EQ(send("GET", "/a/1/b", {{"authorization", "Bearer mr_good"}}).status, 200);
  EXPECT_EQ(send("GET", "/a/1/b", {{"authorization", "bEARER mr_good"}}).status, 200);
  EXPECT_EQ(send("GET", "/a/1/b", {{"authorization", "Basic dXNlcjptcl9nb29k"}}).status, 200);  // user:mr_good
  EXPECT_EQ(send("POST", "/a/1/b", {{"authorization", "Bearer mr_good"}}).status, 403);
  for (const char* bad : {"Bearer mr_bad", "Bearer", "Digest x", "Basic !!!", "Basic dXNlcg=="})
    EXPECT_EQ(send("GET", "/a/1/b", {{"authorization", bad}}).status, 401) << bad;
}

TEST_F(Dispatching, a_wrong_token_on_loopback_is_refused_and_not_taken_for_the_local_user) {
  EXPECT_EQ(send("GET", "/a/1/b", {{"authorization", "Bearer mr_bad"}}, "", true).status, 401);
}

TEST_F(Dispatching, bodies_up_to_the_limit_pass_and_one_byte_more_does_not) {
  EXPECT_EQ(send("POST", "/a/1/b", {}, std::string(16, 'x'), true).status, 200);
  EXPECT_EQ(send("POST", "/a/1/b", {}, std::string(17, 'x'), true).status, 413);
}

TEST_F(Dispatching, what_the_head_rules_out_does_not_reach_the_handler) {
  auto checked = route("PUT", "/x");
  checked.check_head = [](const Request& in) -> Result<void> {
    if (in.query.empty()) return {};
    return Error{Code::invalid, "no query here"};
  };
  Dispatcher dispatcher(Router({checked}), tokens_, context_);
  Request request{.method = "PUT", .path = "/x"};
  EXPECT_TRUE(dispatcher.admit(checked, request, {.local = true, .local_subject = "local:me"}));
  request.query.emplace_back("a", "b");
  EXPECT_EQ(dispatcher.dispatch(request, {.local = true, .local_subject = "local:me"}).status, 400);
  // Strangers hear first that they are strangers.
  EXPECT_EQ(dispatcher.admit(checked, request, {}).error().code(), Code::unauthenticated);
}

TEST_F(Dispatching, a_bad_workspace_is_refused) {
  EXPECT_EQ(send("GET", "/open", {{"x-mlflow-workspace", "../x"}}).status, 400);
}

TEST(SplitTarget, decodes_the_query_and_refuses_what_is_broken) {
  Request request;
  ASSERT_TRUE(split_target("/a%20b?x=1+2&y=%26&z", request).ok());
  EXPECT_EQ(request.path, "/a b");
  EXPECT_EQ(request.query_value("x"), "1 2");
  EXPECT_EQ(request.query_value("y"), "&");
  EXPECT_EQ(request.query_value("z"), "");
  for (const char* bad : {"", "a", "/%", "/%0", "/%00", "/a/../b", "/a#b", "/%gg"}) {
    Request other;
    EXPECT_FALSE(split_target(bad, other).ok()) << bad;
  }
}

TEST(Status, every_code_has_a_row_and_comes_back_from_a_problem) {
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i) {
    const auto code = static_cast<Code>(i);
    const auto error = Error{code, "what"}
                           .at({.file = "f", .line = 3, .column = 4, .field = "a.b"})
                           .hint("do this")
                           .while_doing("trying");
    const auto body = parse_json(problem(error, "r").body, "problem");
    ASSERT_TRUE(body.ok());
    EXPECT_EQ(error_of_json(*body).text(), error.text());
    EXPECT_EQ(error_of_json(*body).code(), code);
  }
}

}  // namespace
}  // namespace millrace::api
