#include "review/reviews.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "lineage/graph.h"
#include "store/testing.h"

namespace millrace::review {
namespace {

struct Reviewing : ::testing::Test {
  testing::Store store;
  lineage::Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};
  Reviews reviews{*store.database, journal, store.world.context};
  Caller ada{.workspace = "default", .subject = "local:ada", .roles = {"admin"}, .via = "cli"};
  Caller reader{.workspace = "default", .subject = "rob", .roles = {"reader"}, .via = "native"};

  Review open(const std::string& subject, const std::string& key = "cause:dataset:weather@10",
              const std::string& cause = "dataset:weather@10") {
    auto done = reviews.open(ada, {.kind = "alert",
                                   .key = key,
                                   .cause = cause,
                                   .subject = subject,
                                   .summary = "temp changed its unit",
                                   .evidence = {{"what", "PSI of 'temp' is 0.3"}},
                                   .event_time = 1'000'000});
    EXPECT_TRUE(done) << done.error().text();
    return done ? std::move(*done) : Review{};
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    const auto events = journal.read_after("default", 0, 100);
    for (const auto& event : *events) out.push_back(event.kind);
    return out;
  }
  template <class T>
  static std::string said(const Result<T>& result) {
    return result ? "ok" : fmt::format("{}: {}", name_of(result.error().code()), result.error().message());
  }
};
using Texts = std::vector<std::string>;

TEST_F(Reviewing, alerts_with_one_cause_join_one_item) {
  const auto first = open("alert:1");
  const auto second = open("alert:2");
  EXPECT_EQ(first.id, second.id);
  ASSERT_EQ(second.subjects.size(), 2U);
  EXPECT_EQ(second.subjects[1].node, "alert:2");
  EXPECT_EQ(open("alert:3", "cause:dataset:weather@11", "dataset:weather@11").subjects.size(), 1U);
  EXPECT_EQ(reviews.list("default", "open", "")->items.size(), 2U);
  EXPECT_EQ(lines(), (Texts{"review.opened", "review.joined", "review.opened"}));
}

TEST_F(Reviewing, asking_again_about_the_same_alert_changes_nothing) {
  open("alert:1");
  EXPECT_EQ(open("alert:1").subjects.size(), 1U);
  EXPECT_EQ(lines(), Texts{"review.opened"});
}

TEST_F(Reviewing, the_graph_leads_from_the_review_to_its_alerts) {
  open("alert:1");
  const auto review = open("alert:2");
  const auto walk = lineage::walk(*store.database, "default", review.node(), lineage::Direction::upstream);
  ASSERT_TRUE(walk) << walk.error().text();
  EXPECT_EQ(walk->nodes.size(), 3U);
  EXPECT_EQ(walk->edges[0].kind, "reviewed_in");
}

TEST_F(Reviewing, a_review_is_closed_once_with_a_decision_and_a_reason) {
  const auto review = open("alert:1");
  EXPECT_EQ(review.opened_at, 1'000'000);
  const auto closed = reviews.close(ada, review.id, "confirmed", "the feed is in Celsius");
  ASSERT_TRUE(closed) << closed.error().text();
  EXPECT_EQ(closed->state, "closed");
  EXPECT_EQ(closed->to_json()["decision"], "confirmed");
  EXPECT_EQ(closed->to_json()["by"], "local:ada");
  EXPECT_EQ(said(reviews.close(ada, review.id, "fixed", "x")),
            fmt::format("conflict: review:{} was closed as confirmed by local:ada at {}: the feed is in Celsius",
                        review.id, to_iso(store.world.clock.now())));
  EXPECT_EQ(lines(), (Texts{"review.opened", "review.closed"}));
  EXPECT_TRUE(reviews.list("default", "open", "")->items.empty());
  EXPECT_EQ(reviews.list("default", "closed", "")->items.size(), 1U);
}

TEST_F(Reviewing, a_wrong_answer_is_named) {
  const auto review = open("alert:1");
  const auto wrong = reviews.close(ada, review.id, "dismised", "x");
  EXPECT_EQ(said(wrong), "invalid: 'dismised' is no decision of a review");
  EXPECT_EQ(wrong.error().hint(), "did you mean 'dismissed'?");
  EXPECT_EQ(said(reviews.close(ada, review.id, "", "x")), "invalid: '' is no decision of a review");
  EXPECT_EQ(said(reviews.close(ada, review.id, "fixed", "")), "invalid: a decision needs a reason");
  EXPECT_EQ(said(reviews.close(reader, review.id, "fixed", "x")),
            "denied: rob may not close reviews: that takes the role 'writer'");
  EXPECT_EQ(said(reviews.close(ada, "review-nothing", "fixed", "x")), "not_found: there is no review 'review-nothing'");
  EXPECT_EQ(said(reviews.list("default", "opne", "")), "invalid: 'opne' is no state of a review");
  EXPECT_EQ(reviews.get("default", review.id)->state, "open");
}

TEST_F(Reviewing, a_cause_that_a_person_has_judged_is_not_asked_about_again) {
  const auto review = open("alert:1");
  ASSERT_TRUE(reviews.close(ada, review.id, "dismissed", "a heat wave"));
  const auto joined = open("alert:2");
  EXPECT_EQ(joined.id, review.id);
  EXPECT_EQ(joined.state, "closed");
  EXPECT_EQ(joined.subjects.size(), 2U);
}

TEST_F(Reviewing, what_was_fixed_and_shows_again_is_asked_again) {
  const auto review = open("alert:1");
  ASSERT_TRUE(reviews.close(ada, review.id, "fixed", "the feed sends Fahrenheit"));
  EXPECT_EQ(open("alert:1").id, review.id) << "the same alert again";
  EXPECT_NE(open("alert:2").id, review.id);
}

TEST_F(Reviewing, without_a_known_cause_a_closed_question_does_not_answer_a_new_one) {
  const auto review = open("alert:1", "natural_drift:late@2013-01-01", "");
  EXPECT_EQ(open("alert:2", "natural_drift:late@2013-01-01", "").id, review.id);
  ASSERT_TRUE(reviews.close(ada, review.id, "dismissed", "spring"));
  EXPECT_NE(open("alert:3", "natural_drift:late@2013-01-01", "").id, review.id);
}

TEST_F(Reviewing, ids_may_be_cut_short_and_an_alert_finds_its_newest_review) {
  const auto review = open("alert:1");
  for (const auto& name : {review.id, review.node(), review.id.substr(0, 20), review.id.substr(7, 12)})
    EXPECT_EQ(reviews.get("default", name)->id, review.id) << name;
  EXPECT_EQ((*reviews.find_of("default", "alert:1"))->id, review.id);
  EXPECT_FALSE(*reviews.find_of("default", "alert:9"));
  EXPECT_FALSE(reviews.get("other", review.id));
}

}  // namespace
}  // namespace millrace::review
