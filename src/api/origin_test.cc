#include "api/origin.h"

#include <gtest/gtest.h>

namespace millrace::api {
namespace {

Request request(std::string method, Pairs headers) {
  Request out;
  out.method = std::move(method);
  out.headers = std::move(headers);
  return out;
}

TEST(Origin, this_machines_own_names) {
  for (const char* host :
       {"", "localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:9", "127.3.2.1"})
    EXPECT_TRUE(is_own_host(host)) << host;
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "127.evil", "[::2]",
                           "10.0.0.1", "localhost.", "::1"})
    EXPECT_FALSE(is_own_host(host)) << host;
}

TEST(Origin, a_request_over_loopback_may_still_be_a_strangers) {
  EXPECT_EQ(why_stranger(request("GET", {{"host", "localhost:8080"}})), "");
  EXPECT_EQ(why_stranger(request("GET", {{"host", "evil.example"}})),
            "the Host 'evil.example' is no name of this machine, and only localhost needs no token");
  EXPECT_EQ(why_stranger(request("GET", {{"host", "localhost"}, {"x-forwarded-for", "192.0.2.7"}})),
            "this came through a proxy, and only this machine itself needs no token");
}

TEST(Origin, unsafe_requests_of_other_sites_are_refused) {
  const std::pair<const char*, bool> cases[] = {
      {"http://localhost:8080", true},      {"https://localhost:8080", true}, {"http://LOCALHOST:8080", true},
      {"http://localhost", false},          {"http://localhost:8081", false}, {"null", false},
      {"http://evil.example", false},       {"//localhost:8080", false},      {"http://x//localhost:8080", false},
      {"http://evil.localhost:8080", false}};
  for (const auto& [origin, good] : cases) {
    EXPECT_EQ(check_origin(request("POST", {{"host", "localhost:8080"}, {"origin", origin}})).ok(), good) << origin;
    EXPECT_TRUE(check_origin(request("GET", {{"host", "localhost:8080"}, {"origin", origin}}))) << origin;
  }
  EXPECT_TRUE(check_origin(request("POST", {{"host", "localhost"}}))) << "programs send none";
  for (const char* site : {"cross-site", "same-site"})
    EXPECT_FALSE(check_origin(request("DELETE", {{"host", "localhost"}, {"sec-fetch-site", site}}))) << site;
  EXPECT_TRUE(check_origin(request("DELETE", {{"host", "localhost"}, {"sec-fetch-site", "same-origin"}})));
  EXPECT_EQ(
      check_origin(request("PUT", {{"host", "a"}, {"origin", "http://b"}})).error().text(),
      "field Origin: requests from other sites' pages are refused: the Origin is 'http://b', this is 'a'. Hint: call "
      "from a page of this server; a proxy in between must pass the Host header on unchanged");
}

TEST(Origin, a_cookie_alone_is_not_enough_to_change_something) {
  EXPECT_TRUE(check_cookie_origin(request("GET", {})));
  EXPECT_FALSE(check_cookie_origin(request("POST", {})));
  EXPECT_TRUE(check_cookie_origin(request("POST", {{"origin", "http://localhost"}})));
  EXPECT_TRUE(check_cookie_origin(request("POST", {{"sec-fetch-site", "same-origin"}})));
  EXPECT_FALSE(check_cookie_origin(request("POST", {{"sec-fetch-site", "none"}})));
}

TEST(Origin, the_cookie_is_found_among_others) {
  const std::pair<const char*, const char*> cases[] = {
      {"millrace_session=abc", "abc"}, {"a=1; millrace_session=abc; b=2", "abc"},
      {"xmillrace_session=no", ""},    {"millrace_sessions=no", ""},
      {"millrace_session", ""},        {"", ""}};
  for (const auto& [text, value] : cases) EXPECT_EQ(session_cookie(request("GET", {{"cookie", text}})), value) << text;
}

TEST(Origin, only_a_proxy_on_this_machine_says_for_whom_it_asks) {
  const auto asked = request("GET", {{"x-forwarded-for", "10.0.0.1, 192.0.2.7"}});
  EXPECT_EQ(client_address(asked, {.address = "127.0.0.1"}), "192.0.2.7");
  EXPECT_EQ(client_address(asked, {.address = "198.51.100.1"}), "198.51.100.1");
  EXPECT_EQ(client_address(asked, {.address = ""}), "");
  EXPECT_EQ(client_address(request("GET", {{"x-forwarded-for", "<script>"}}), {.address = "::1"}), "::1");
  EXPECT_EQ(client_address(request("GET", {}), {.address = "::1"}), "::1");
}

}  // namespace
}  // namespace millrace::api
