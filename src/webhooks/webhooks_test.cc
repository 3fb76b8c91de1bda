#include "webhooks/webhooks.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "core/files.h"
#include "lineage/journal.h"
#include "store/testing.h"
#include "webhooks/delivery.h"

namespace millrace::webhooks {
namespace {

// Answers each connection with the next of `answers`, and keeps what it was sent.
class Receiver {
 public:
  explicit Receiver(std::vector<std::string> answers) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&here), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size);
    url = "http://127.0.0.1:" + std::to_string(ntohs(here.sin_port)) + "/hook";
    thread_ = std::thread([this, answers = std::move(answers)] {
      for (const auto& answer : answers) serve(answer);
    });
  }
  ~Receiver() {
    thread_.join();
    ::close(listener_);
  }
  std::string url;
  std::vector<std::string> got;  // read after the sends

 private:
  void serve(const std::string& answer) {
    const int peer = ::accept(listener_, nullptr, nullptr);
    std::string text;
    char piece[4096];
    while (true) {
      const auto head = text.find("\r\n\r\n");
      const auto length = text.find("Content-Length: ");
      if (head != std::string::npos && text.size() >= head + 4 + std::stoul(text.substr(length + 16))) break;
      const auto count = ::recv(peer, piece, sizeof piece, 0);
      if (count <= 0) break;
      text.append(piece, static_cast<size_t>(count));
    }
    got.push_back(text);
    EXPECT_EQ(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
    ::close(peer);
  }
  int listener_ = -1;
  std::thread thread_;
};

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks";

class WebhooksTest : public ::testing::Test {
 protected:
  testing::Store store;
  lineage::Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};
  Seal seal = *Seal::load(store.folder / "webhooks.key", store.world.context.random);
  Webhooks hooks{*store.database, journal, store.world.context, seal, {"127.0.0.1"}};
  Json now = {{"name", "late"}, {"source", "s"}, {"run_id", "r"}, {"tags", {{"k", "v"}}}};
  Delivery delivery{*store.database, journal, store.world.context, hooks,
                    [this](const std::string&, const std::string&, int64_t) { return now; }};
  Caller ada{.workspace = "default", .subject = "local:ada", .roles = {"admin"}, .via = "mlflow", .request_id = "r1"};

  NewWebhook wanted(const std::string& url) {
    return {.name = "hook",
            .url = url,
            .description = "",
            .status = "",
            .secret = "hush",
            .events = {"model_version_alias.created"}};
  }
  void change(const std::string& kind, const std::string& node, const Json& body) {
    ASSERT_TRUE(journal.write(ada, [&](store::Session&) -> Result<lineage::Change> {
      return lineage::Change{.kind = kind, .node = node, .before = "", .after = node, .why = "", .body = body};
    }));
  }
  void set_alias() { change("model.alias.set", "model:late@2", {{"model", "late"}, {"alias", "champion"}}); }
  std::vector<std::string> kinds() const {
    std::vector<std::string> out;
    const auto events = journal.read_after("default", 0, 100);
    if (events)
      for (const auto& event : *events) out.push_back(event.kind);
    return out;
  }
};

TEST_F(WebhooksTest, secrets_are_sealed_and_open_only_for_their_own) {
  auto& random = store.world.context.random;
  const auto sealed = seal.close("hush", "default/1", random);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->find("hush"), std::string::npos);
  EXPECT_EQ(*seal.open(*sealed, "default/1"), "hush");
  EXPECT_EQ(seal.open(*sealed, "default/2").error().code(), Code::corrupt);
  auto bent = *sealed;
  bent[20] = bent[20] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(seal.open(bent, "default/1"));
  EXPECT_FALSE(seal.open("v1:", "default/1"));
  EXPECT_FALSE(seal.open("hush", "default/1"));
  EXPECT_EQ(*Seal::load(store.folder / "webhooks.key", random)->open(*sealed, "default/1"), "hush");
  struct stat file {};
  ASSERT_EQ(::stat((store.folder / "webhooks.key").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  ASSERT_TRUE(write_file(store.folder / "webhooks.key", "short"));
  EXPECT_EQ(Seal::load(store.folder / "webhooks.key", random).error().code(), Code::corrupt);
}

TEST_F(WebhooksTest, a_signature_is_that_of_the_reference) {
  // python: base64.b64encode(hmac.new(b"hush", b"id.17.{}", hashlib.sha256).digest())
  EXPECT_EQ(signature_of("hush", "id", "17", "{}"), "v1,DOxPaDhyX5iDSZwAzUEKfR7y2DW2Zr5ZFlL2/GcwJQI=");
}

TEST_F(WebhooksTest, addresses_that_lead_inside_are_refused) {
  const auto is_public_text = [](const char* text) {
    Address out;
    if (auto* v4 = reinterpret_cast<sockaddr_in*>(&out.bytes); ::inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
      out.bytes.ss_family = AF_INET;
      return is_public(out);
    }
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.bytes);
    EXPECT_EQ(::inet_pton(AF_INET6, text, &v6->sin6_addr), 1) << text;
    out.bytes.ss_family = AF_INET6;
    return is_public(out);
  };
  for (const auto* text : {"0.0.0.0",         "10.1.2.3",        "100.64.0.1",  "127.0.0.1",
                           "169.254.169.254", "172.31.255.255",  "192.168.0.1", "198.19.0.1",
                           "224.0.0.1",       "255.255.255.255", "::",          "::1",
                           "::ffff:8.8.8.8",  "fe80::1",         "fd00::1",     "ff02::1",
                           "64:ff9b::7f00:1", "2002:7f00:1::",   "2001::1",     "2001:db8::1"})
    EXPECT_FALSE(is_public_text(text)) << text;
  for (const auto* text : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111"})
    EXPECT_TRUE(is_public_text(text)) << text;
  for (const auto* url : {"http://example.org/", "https://10.0.0.1/", "https://[::1]/", "https://a b/", "https://u@x/",
                          "https://x/#y", "https://x:0/", "https://x:99999/", "https://x:1x/", "https://", "https:///x",
                          "https://[::1/", "x", "file:///etc/passwd", "https://2130706433/", "https://0x7f.1/"})
    EXPECT_FALSE(hooks.create(ada, wanted(url))) << url;
  const auto target = parse_target("https://[2606:4700::1111]:8443/a?b=c", {});
  ASSERT_TRUE(target);
  EXPECT_EQ(target->host + " " + target->port + " " + target->path, "2606:4700::1111 8443 /a?b=c");
  EXPECT_EQ(parse_target("https://x?y", {})->path, "/?y");
}

TEST_F(WebhooksTest, a_change_is_told_once_with_its_data) {
  set_alias();  // before the webhook: not told
  Receiver receiver({kOk});
  const auto made = hooks.create(ada, wanted(receiver.url));
  ASSERT_TRUE(made) << made.error().text();
  set_alias();
  change("model.version.created", "model:late@3", {{"model", "late"}, {"version", 3}});  // not asked for
  EXPECT_EQ(*delivery.collect(), 1);
  EXPECT_EQ(*delivery.collect(), 0);
  EXPECT_TRUE(*delivery.send_one());
  EXPECT_FALSE(*delivery.send_one());
  EXPECT_EQ(store.number("SELECT count(*) FROM webhook_deliveries"), 0);
  EXPECT_EQ(kinds().back(), "webhook.delivered");
  ASSERT_EQ(receiver.got.size(), 1U);
  const auto& text = receiver.got[0];
  EXPECT_TRUE(text.starts_with("POST /hook HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_NE(text.find("X-MLflow-Signature: v1,"), std::string::npos);
  const auto body = parse_json(text.substr(text.find("\r\n\r\n") + 4), "body");
  ASSERT_TRUE(body);
  EXPECT_EQ((*body)["data"], Json({{"name", "late"}, {"alias", "champion"}, {"version", "2"}}));
  EXPECT_EQ((*body)["entity"], "model_version_alias");
}

TEST_F(WebhooksTest, a_failure_waits_and_is_given_up_after_four) {
  const std::string busy = "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";
  Receiver receiver({busy, busy, busy, busy});
  ASSERT_TRUE(hooks.create(ada, wanted(receiver.url)));
  set_alias();
  EXPECT_EQ(*delivery.collect(), 1);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(*delivery.send_one());
    EXPECT_FALSE(*delivery.send_one()) << "it has to wait";
    store.world.clock.advance(60'000'000);
  }
  EXPECT_FALSE(*delivery.send_one());
  EXPECT_EQ(kinds().back(), "webhook.given_up");
  ASSERT_EQ(receiver.got.size(), 4U);
}

TEST_F(WebhooksTest, what_a_dead_process_held_is_sent_after_its_lease) {
  ASSERT_TRUE(hooks.create(ada, wanted("http://127.0.0.1:1/")));
  set_alias();
  ASSERT_EQ(*delivery.collect(), 1);
  ASSERT_TRUE(store.execute("UPDATE webhook_deliveries SET lease_until = ?, attempts = 1",
                            {store.world.clock.now() + bounds::lease}));
  EXPECT_FALSE(*delivery.send_one());
  store.world.clock.advance(bounds::lease);
  EXPECT_TRUE(*delivery.send_one());
  EXPECT_EQ(store.number("SELECT attempts FROM webhook_deliveries"), 2);
}

TEST_F(WebhooksTest, a_delivery_is_left_to_the_server_that_can_open_its_secret) {
  auto& random = store.world.context.random;
  Receiver receiver({kOk});
  ASSERT_TRUE(hooks.create(ada, wanted(receiver.url)));
  set_alias();
  Webhooks others(*store.database, journal, store.world.context, *Seal::load(store.folder / "other.key", random),
                  read_hosts("127.0.0.1"));
  Delivery elsewhere(*store.database, journal, store.world.context, others, {});
  EXPECT_EQ(*delivery.collect(), 1);
  EXPECT_FALSE(*elsewhere.send_one());
  EXPECT_TRUE(*delivery.send_one());
  EXPECT_EQ(kinds().back(), "webhook.delivered");
  // Nobody has the key any more: after a while it is said so.
  set_alias();
  EXPECT_EQ(*delivery.collect(), 1);
  store.world.clock.advance(bounds::own_server - 1);
  EXPECT_FALSE(*elsewhere.send_one());
  store.world.clock.advance(1);
  EXPECT_TRUE(*elsewhere.send_one());
  EXPECT_EQ(kinds().back(), "webhook.given_up");
  EXPECT_EQ(store.number("SELECT count(*) FROM webhook_deliveries"), 0);
}

TEST_F(WebhooksTest, a_disabled_or_deleted_webhook_is_told_nothing) {
  const auto made = hooks.create(ada, wanted("http://127.0.0.1:1/"));
  ASSERT_TRUE(hooks.update(ada, made->id, {.name = {}, .url = {}, .description = {}, .status = "DISABLED"}));
  set_alias();
  EXPECT_EQ(*delivery.collect(), 0);
  ASSERT_TRUE(hooks.update(ada, made->id, {.name = {}, .url = {}, .description = {}, .status = "ACTIVE"}));
  set_alias();
  EXPECT_EQ(*delivery.collect(), 1);
  ASSERT_TRUE(hooks.remove(ada, made->id));
  EXPECT_FALSE(*delivery.send_one());
  EXPECT_EQ(hooks.get(ada, made->id).error().code(), Code::not_found);
  EXPECT_EQ(kinds().back(), "webhook.deleted");
}

TEST_F(WebhooksTest, a_later_webhook_is_not_told_what_was_before_it) {
  ASSERT_TRUE(hooks.create(ada, wanted("http://127.0.0.1:1/")));
  set_alias();
  ASSERT_TRUE(hooks.create(ada, wanted("http://127.0.0.1:2/")));
  EXPECT_EQ(*delivery.collect(), 1);
  set_alias();
  EXPECT_EQ(*delivery.collect(), 2);
}

TEST_F(WebhooksTest, a_broken_answer_is_told_as_such) {
  Receiver receiver({"SSH-2.0\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n",
                     std::string("HTTP/1.1 200 OK\r\n\r\n") + std::string(100'000, 'x')});
  const auto made = hooks.create(ada, wanted(receiver.url));
  EXPECT_NE(hooks.test(ada, made->id, "")->error.find("not HTTP"), std::string::npos);
  EXPECT_EQ(hooks.test(ada, made->id, "")->status, 302);
  EXPECT_LT(hooks.test(ada, made->id, "")->body.size(), 20'000U);
}

TEST_F(WebhooksTest, every_event_has_an_example_and_prompts_are_told_as_prompts) {
  for (const auto name : known_events()) EXPECT_FALSE(example_of(name).empty()) << name;
  const lineage::Event line{.sequence = 1,
                            .workspace = "default",
                            .subject = "",
                            .via = "",
                            .request_id = "",
                            .kind = "model.version.tag.set",
                            .node = "model:late@2",
                            .before = "",
                            .after = "",
                            .why = "",
                            .body = {{"key", "k"}},
                            .hash = ""};
  const auto told = told_of(line, [&](auto&&...) { return now; });
  ASSERT_TRUE(told);
  EXPECT_EQ(told->event, "model_version_tag.set");
  EXPECT_EQ(told->data, Json({{"name", "late"}, {"version", "2"}, {"key", "k"}, {"value", "v"}}));
  now["tags"]["mlflow.prompt.is_prompt"] = "true";
  EXPECT_EQ(told_of(line, [&](auto&&...) { return now; })->event, "prompt_version_tag.set");
}

}  // namespace
}  // namespace millrace::webhooks
