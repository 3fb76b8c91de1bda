#include "api/sessions.h"

#include <gtest/gtest.h>

#include "core/limits/ui_limits.h"
#include "store/testing.h"

namespace millrace::api {
namespace {

class SessionsTest : public ::testing::Test {
 protected:
  testing::Store store;
  Context& context = store.world.context;
  lineage::Journal journal{*store.database, context, "main", store.folder / "head"};
  Tokens tokens{*store.database, journal, context};
  Sessions sessions{*store.database, journal, context, tokens};
  const Caller admin{.subject = "local:ada", .roles = {"admin"}, .via = "cli", .request_id = "r"};

  Token token(const std::string& subject, const std::string& role, Micros expires_at = 0) {
    auto made = tokens.create(admin, subject, {role}, expires_at);
    EXPECT_TRUE(made) << made.error().text();
    return *made;
  }
  BrowserSession open(const Token& token) {
    Caller caller{.via = "native", .request_id = "r"};
    auto opened = sessions.open(caller, token.secret, "192.0.2.1", "Browser\x01 1.0");
    EXPECT_TRUE(opened) << opened.error().text();
    EXPECT_EQ(caller.subject, token.subject);
    return *opened;
  }
  bool works(const BrowserSession& session) const { return sessions.of_session("default", session.secret).ok(); }
};

TEST_F(SessionsTest, a_session_has_its_tokens_subject_and_roles) {
  const auto session = open(token("ann", "reader"));
  const auto who = sessions.of_session("default", session.secret);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->caller.subject, "ann");
  EXPECT_EQ(who->caller.roles, std::vector<std::string>{"reader"});
  EXPECT_EQ(who->session, session.id);
  EXPECT_EQ(session.secret.size(), 64U);
  EXPECT_EQ(session.agent, "Browser? 1.0");
  EXPECT_FALSE(sessions.of_session("other", session.secret)) << "of its workspace only";
  EXPECT_FALSE(sessions.of_session("default", session.id));
  EXPECT_FALSE(sessions.of_session("default", ""));
}

TEST_F(SessionsTest, a_wrong_token_opens_nothing) {
  Caller caller;
  EXPECT_EQ(sessions.open(caller, "mr_wrong", "", "").error().code(), Code::unauthenticated);
  EXPECT_EQ(sessions.list("default", {.limit = 10})->total, 0);
}

TEST_F(SessionsTest, it_ends_with_its_token) {
  const auto ann = token("ann", "reader");
  const auto first = open(ann), second = open(ann);
  ASSERT_TRUE(tokens.revoke(admin, ann.id));
  EXPECT_FALSE(works(first));
  EXPECT_FALSE(works(second));
  EXPECT_EQ(sessions.list("default", {.limit = 10})->total, 0);

  const auto brief = open(token("bob", "reader", context.now() + 10));
  EXPECT_EQ(brief.expires_at, context.now() + 10);
  store.world.clock.advance(10);
  EXPECT_FALSE(works(brief));
}

TEST_F(SessionsTest, it_ends_when_nobody_uses_it_and_after_a_week_in_any_case) {
  const auto idle = open(token("ann", "reader")), busy = open(token("bob", "reader"));
  constexpr int kTimes = 3;
  for (int i = 0; i < kTimes; ++i) {
    store.world.clock.advance(limits::session_idle_us / 2);
    EXPECT_TRUE(works(busy));
  }
  EXPECT_FALSE(works(idle));
  ASSERT_TRUE(sessions.keep());
  Sessions after_restart(*store.database, journal, context, tokens);
  EXPECT_TRUE(after_restart.of_session("default", busy.secret)) << "its last use was written down";
  while (context.now() < busy.expires_at) {
    EXPECT_TRUE(works(busy));
    store.world.clock.advance(limits::session_idle_us / 2);
  }
  EXPECT_FALSE(works(busy));
}

TEST_F(SessionsTest, those_that_ended_long_ago_are_removed) {
  open(token("ann", "reader"));
  store.world.clock.advance(limits::session_us + 48LL * 3600 * 1'000'000);
  const auto now = open(token("bob", "reader"));
  store.world.clock.advance(limits::session_noted_us);
  EXPECT_TRUE(works(now));
  ASSERT_TRUE(sessions.keep());
  EXPECT_EQ(store.number("SELECT count(*) FROM sessions"), 1);
}

TEST_F(SessionsTest, only_its_owner_or_an_admin_ends_it) {
  const auto ann = open(token("ann", "reader"));
  EXPECT_EQ(sessions.end(admin, ann.id, "bob").error().code(), Code::not_found);
  EXPECT_TRUE(works(ann));
  EXPECT_TRUE(sessions.end(admin, ann.id, "ann"));
  EXPECT_FALSE(works(ann));
  EXPECT_EQ(sessions.end(admin, ann.id, "").error().code(), Code::not_found) << "once";
  const auto bob = open(token("bob", "reader"));
  EXPECT_TRUE(sessions.end(admin, bob.id, ""));
}

TEST_F(SessionsTest, the_oldest_of_too_many_ends) {
  const auto ann = token("ann", "reader");
  const auto first = open(ann);
  store.world.clock.advance(1);
  const auto second = open(ann);
  for (size_t i = 2; i <= limits::sessions_of_token; ++i) {
    store.world.clock.advance(1);
    open(ann);
  }
  EXPECT_FALSE(works(first));
  EXPECT_TRUE(works(second));
}

TEST_F(SessionsTest, lists_come_in_pages_newest_first) {
  const auto ann = token("ann", "reader");
  for (int i = 0; i < 5; ++i) {
    open(ann);
    store.world.clock.advance(1);
  }
  open(token("bob", "reader"));
  const auto all = sessions.list("default", {.limit = 10});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->total, 6);
  EXPECT_EQ(all->items.front().subject, "bob");
  const auto first = sessions.list("default", {.subject = "ann", .limit = 2});
  ASSERT_EQ(first->items.size(), 2U);
  EXPECT_EQ(first->total, 5);
  const auto& last = first->items.back();
  const auto rest =
      sessions.list("default", {.subject = "ann", .before = last.created_at, .before_id = last.id, .limit = 10});
  EXPECT_EQ(rest->items.size(), 3U);
  EXPECT_EQ(rest->total, 5);
}

TEST_F(SessionsTest, no_secret_is_kept_and_each_sign_in_is_in_the_journal) {
  const auto session = open(token("ann", "reader"));
  const auto rows = store.query("SELECT * FROM sessions");
  ASSERT_EQ(rows->size(), 1U);
  for (size_t i = 0; i < rows->front().size(); ++i) EXPECT_NE(rows->front().text(i), session.secret);
  ASSERT_TRUE(sessions.end(admin, session.id, ""));
  const auto events = journal.read_after("default", 0, 100);
  ASSERT_EQ(events->size(), 3U);
  EXPECT_EQ(events->at(1).kind, "session.opened");
  EXPECT_EQ(events->at(1).subject, "ann");
  EXPECT_EQ(events->at(2).kind, "session.ended");
  for (const auto& event : *events) EXPECT_EQ(to_text(event.body).find(session.secret), std::string::npos);
}

}  // namespace
}  // namespace millrace::api
