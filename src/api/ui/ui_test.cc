#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "api/dispatch.h"
#include "api/testing.h"
#include "api/ui/routes.h"
#include "core/codes/content_coding.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/testing.h"

namespace millrace::api::ui {
namespace {

class FewFiles final : public Files {
 public:
  void add(const std::string& path, std::string plain, std::string br, std::string gzip) {
    texts_[path] = {std::move(plain), std::move(br), std::move(gzip)};
  }
  Result<std::optional<File>> find(std::string_view path) const override {
    const auto found = texts_.find(std::string(path));
    if (found == texts_.end()) return std::optional<File>();
    const auto& [plain, br, gzip] = found->second;
    return std::optional(File{.media_type = std::string(media_type_of(path)),
                              .digest = digest_of(plain),
                              .plain = plain,
                              .br = br,
                              .gzip = gzip});
  }
  bool waits() const override { return false; }
  std::string missing() const override { return "build it"; }

 private:
  struct Texts {
    std::string plain, br, gzip;
  };
  std::map<std::string, Texts> texts_;
};

class Ui : public ::testing::Test {
 protected:
  testing::World world;
  FewFiles files;
  millrace::testing::Nobody nobody;

  void SetUp() override {
    files.add("index.html", "<html>page</html>", "", "");
    files.add("favicon.svg", "<svg/>", "", "");
    files.add("assets/main-1.js", "plain script", "br script", "gzip script");
  }
  Reply get(const std::string& target, Pairs headers = {}) { return get_from(files, target, std::move(headers)); }
  Reply get_from(const Files& from, const std::string& target, Pairs headers = {}) {
    const Dispatcher dispatcher(Router(routes(from, world.context)), nobody, world.context);
    Request request;
    request.method = "GET";
    request.headers = std::move(headers);
    if (auto split = split_target(target, request); !split) return error_reply("/", split.error(), "");
    return dispatcher.dispatch(request, {});
  }
  static std::string header(const Reply& reply, std::string_view name) {
    for (const auto& [key, value] : reply.headers)
      if (key == name) return value;
    return "";
  }
};

TEST_F(Ui, every_page_is_the_index_and_is_not_kept) {
  for (const char* target : {"/ui/", "/ui/index.html", "/ui/runs", "/ui/models/late%402/gates", "/ui/runs?x=1"}) {
    const auto reply = get(target);
    EXPECT_EQ(reply.status, 200) << target;
    EXPECT_EQ(reply.body, "<html>page</html>") << target;
    EXPECT_EQ(reply.content_type, "text/html; charset=utf-8");
    EXPECT_EQ(header(reply, "cache-control"), "no-store");
  }
}

TEST_F(Ui, the_policy_lets_in_no_other_origin_and_no_inline_script) {
  const auto policy = header(get("/ui/"), "content-security-policy");
  for (const char* part : {"default-src 'self'", "script-src 'self';", "style-src 'self';", "connect-src 'self'",
                           "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "object-src 'none'"})
    EXPECT_NE(policy.find(part), std::string::npos) << policy;
  EXPECT_EQ(policy.find("unsafe-eval"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe-inline"), policy.rfind("unsafe-inline"));
  EXPECT_NE(policy.find("style-src-attr 'unsafe-inline'"), std::string::npos);
  EXPECT_EQ(header(get("/ui/"), "referrer-policy"), "no-referrer");
  EXPECT_NE(header(get("/ui/"), "permissions-policy").find("camera=()"), std::string::npos);
}

TEST_F(Ui, a_nonce_is_another_one_each_time) {
  files.add("index.html", "<style nonce=\"__MILLRACE_NONCE__\"></style><meta nonce=\"__MILLRACE_NONCE__\">", "br",
            "gzip");
  const auto first = get("/ui/", {{"accept-encoding", "br"}}), second = get("/ui/");
  const auto policy = header(first, "content-security-policy");
  const auto at = policy.find("style-src 'self' 'nonce-");
  ASSERT_NE(at, std::string::npos) << policy;
  const auto nonce = policy.substr(at + 24, 32);
  EXPECT_EQ(first.body, "<style nonce=\"" + nonce + "\"></style><meta nonce=\"" + nonce + "\">");
  EXPECT_NE(first.body, second.body);
  EXPECT_EQ(policy.find("script-src 'self' 'nonce"), std::string::npos);
}

TEST_F(Ui, assets_are_kept_for_a_year_in_the_coding_that_the_client_takes) {
  const auto plain = get("/ui/assets/main-1.js");
  EXPECT_EQ(plain.body, "plain script");
  EXPECT_EQ(plain.content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(header(plain, "cache-control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(header(plain, "vary"), "accept-encoding");
  EXPECT_EQ(header(plain, "content-encoding"), "");
  const std::pair<const char*, const char*> cases[] = {{"gzip, deflate, br, zstd", "br"},
                                                       {"gzip", "gzip"},
                                                       {"br;q=0, gzip", "gzip"},
                                                       {"gzip, br;q=0.5", "gzip"},
                                                       {"*", "br"},
                                                       {"zstd", ""},
                                                       {"", ""}};
  for (const auto& [accept, coding] : cases) {
    const auto reply = get("/ui/assets/main-1.js", {{"accept-encoding", accept}});
    EXPECT_EQ(header(reply, "content-encoding"), coding) << accept;
    EXPECT_EQ(reply.body, std::string(*coding == 0 ? "plain" : coding) + " script") << accept;
  }
}

TEST_F(Ui, what_the_browser_has_is_not_sent_again) {
  const auto first = get("/ui/assets/main-1.js", {{"accept-encoding", "br"}});
  const auto etag = header(first, "etag");
  EXPECT_NE(etag, header(get("/ui/assets/main-1.js"), "etag")) << "another coding is another representation";
  const auto again = get("/ui/assets/main-1.js", {{"accept-encoding", "br"}, {"if-none-match", etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(header(again, "etag"), etag);
  EXPECT_EQ(header(get("/ui/favicon.svg"), "cache-control"), "no-cache");
}

TEST_F(Ui, an_asset_that_is_gone_is_not_the_page) {
  const auto reply = get("/ui/assets/main-0.js");
  EXPECT_EQ(reply.status, 404);
  EXPECT_NE(reply.body.find("load the page again"), std::string::npos);
}

TEST_F(Ui, browsers_are_sent_from_the_root_and_others_hear_what_they_always_did) {
  const auto browser = get("/", {{"accept", "text/html,application/xhtml+xml"}});
  EXPECT_EQ(browser.status, 302);
  EXPECT_EQ(header(browser, "location"), "/ui/");
  EXPECT_EQ(header(get("/ui"), "location"), "/ui/");
  const auto client = get("/", {{"accept", "*/*"}});
  EXPECT_EQ(client.status, 404);
  EXPECT_NE(client.body.find("there is no GET /"), std::string::npos);
}

TEST_F(Ui, without_files_the_way_out_is_told) {
  const FewFiles none;
  const auto reply = get_from(none, "/ui/");
  EXPECT_EQ(reply.status, 404);
  EXPECT_NE(reply.body.find("build it"), std::string::npos);
}

TEST_F(Ui, a_folder_is_read_again_each_time_and_nobody_leaves_it) {
  const testing::Folder folder;
  ASSERT_TRUE(make_folders(folder / "ui/assets"));
  ASSERT_TRUE(write_file(folder / "ui/index.html", "one"));
  ASSERT_TRUE(write_file(folder / "ui/assets/a.css", "css"));
  ASSERT_TRUE(write_file(folder / "secret", "secret"));
  ASSERT_EQ(::symlink("../secret", (folder / "ui/link.txt").c_str()), 0);
  ASSERT_EQ(::symlink("..", (folder / "ui/up").c_str()), 0);
  ASSERT_EQ(::mkfifo((folder / "ui/pipe").c_str(), 0600), 0);
  const auto from = files_in(folder / "ui");
  ASSERT_TRUE(from);
  EXPECT_EQ(get_from(**from, "/ui/").body, "one");
  ASSERT_TRUE(write_file(folder / "ui/index.html", "two"));
  EXPECT_EQ(get_from(**from, "/ui/").body, "two");
  EXPECT_EQ(get_from(**from, "/ui/assets/a.css").body, "css");
  for (const char* target : {"/ui/link.txt", "/ui/up/secret", "/ui/pipe", "/ui/assets", "/ui//etc/passwd"})
    EXPECT_EQ(get_from(**from, target).body, "two") << target;
  for (const char* target : {"/ui/../secret", "/ui/%2e%2e/secret", "/ui/assets/%2e%2e/%2e%2e/secret"})
    EXPECT_EQ(get_from(**from, target).status, 400) << target;
  EXPECT_EQ(get_from(**from, "/ui/assets/..%5csecret").status, 404);
  const auto missing = files_in(folder / "nowhere");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text().find("npm run build"), std::string::npos);
}

}  // namespace
}  // namespace millrace::api::ui
