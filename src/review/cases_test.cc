#include "review/cases.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "store/testing.h"

namespace millrace::review {
namespace {

const std::string kId = "01890a5d-ac96-774b-bcce-b302099a8057";

struct CasesTest : ::testing::Test {
  testing::Store store;
  lineage::Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};
  Reviews reviews{*store.database, journal, store.world.context};
  monitor::Feedback feedback{journal, store.world.context};
  Json logged_record;  // what the log has
  Cases cases{reviews, feedback, [this](const std::string& id) -> Result<Json> {
                if (logged_record.is_null() || id != kId) return Error{Code::not_found, "there is no prediction"};
                return logged_record;
              }};
  Caller ada{.workspace = "default", .subject = "ada", .roles = {"writer"}, .via = "native"};
  Caller rob{.workspace = "default", .subject = "rob", .roles = {"reader"}, .via = "native"};

  serve::LoggedCase logged(std::vector<uint32_t> rows = {0}) const {
    return {.prediction_id = kId,
            .event_time = 5,
            .held = {.rule = "unsure", .rows = std::move(rows), .matched = 1},
            .deployment = "late",
            .workspace = "default",
            .release = "release:late@1",
            .arm = "stable",
            .model = "late",
            .version = 1};
  }
  static Cases::Answer all(int64_t label, std::string why = "seen") {
    return {.all = label, .labels = {}, .why = std::move(why)};
  }
  std::string decide(const Cases::Answer& answer, const Caller& caller) {
    const auto done = cases.decide(caller, "case-" + kId, answer);
    return done ? "ok" : fmt::format("{}: {}", name_of(done.error().code()), done.error().message());
  }
  // row:label of every label kept, in order.
  std::string labels() const {
    std::string out;
    const auto rows = store.query("SELECT row_number, label, deployment FROM labels ORDER BY row_number, revision");
    for (const auto& row : *rows) out += fmt::format("{}:{}@{} ", row.integer(0), row.integer(1), row.text(2));
    return out;
  }
  size_t lines() const { return journal.read_after("default", 0, 100)->size(); }
};

TEST_F(CasesTest, is_opened_once_however_often_the_log_tells_of_it) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cases.open(logged(), "r"));
  const auto page = *cases.list("default", "open", "");
  ASSERT_EQ(page["items"].size(), 1U);
  EXPECT_EQ(page["items"][0]["id"], "case-" + kId);
  EXPECT_EQ(page["items"][0]["rule"], "unsure");
  EXPECT_EQ(lines(), 1U);
  EXPECT_EQ(decide(all(1), ada), "ok");
  ASSERT_TRUE(cases.open(logged(), "r")) << "also after it was decided";
  EXPECT_TRUE((*cases.list("default", "open", ""))["items"].empty());
  EXPECT_EQ((*cases.list("default", "decided", ""))["items"].size(), 1U);
}

TEST_F(CasesTest, a_decision_is_a_label_and_who_asked_can_read_it) {
  ASSERT_TRUE(cases.open(logged({0, 3}), "r"));
  auto shown = *cases.get("default", "case-" + kId);
  EXPECT_EQ(shown["state"], "open");
  EXPECT_EQ(shown["decision"], nullptr);
  std::vector<monitor::Label> told;
  feedback.on_labels = [&](const std::string&, const std::vector<monitor::Label>& labels) { told = labels; };
  logged_record = {{"outputs", {1, 2}}};
  const auto done = cases.decide(ada, kId, {.all = {}, .labels = {{3, 0}, {0, 1}}, .why = "called them"});
  ASSERT_TRUE(done) << done.error().text();
  shown = *cases.get("default", kId);
  EXPECT_EQ(shown["state"], "decided");
  EXPECT_EQ(shown["decision"]["labels"], (Json{{{"row", 0}, {"label", 1}}, {{"row", 3}, {"label", 0}}}));
  EXPECT_EQ(shown["decision"]["why"], "called them");
  EXPECT_EQ(shown["decision"]["by"], "ada");
  EXPECT_EQ(shown["outputs"], (Json{1, 2}));
  EXPECT_EQ(labels(), "0:1@late 3:0@late ");
  EXPECT_EQ(told.size(), 2U) << "the judge of a canary hears of it";
  const auto events = *journal.read_after("default", 0, 100);
  ASSERT_EQ(events.size(), 2U) << "one line for the decision and its labels";
  EXPECT_EQ(events[1].kind, "review.closed");
  EXPECT_EQ(events[1].body["answer"].size(), 2U);
}

TEST_F(CasesTest, what_is_no_decision_changes_nothing) {
  ASSERT_TRUE(cases.open(logged({0, 3}), "r"));
  EXPECT_EQ(decide(all(1), rob), "denied: rob may not close reviews: that takes the role 'writer'");
  EXPECT_EQ(decide(all(1, ""), ada).substr(0, 8), "invalid:");
  EXPECT_EQ(decide({.all = {}, .labels = {{0, 1}}, .why = "x"}, ada), "invalid: row 3 of the case needs one label");
  EXPECT_EQ(decide({.all = {}, .labels = {{0, 1}, {3, 1}, {3, 0}}, .why = "x"}, ada),
            "invalid: row 3 of the case needs one label");
  EXPECT_EQ(decide({.all = {}, .labels = {{0, 1}, {3, 1}, {4, 0}}, .why = "x"}, ada),
            "invalid: row 4 is none of the case's");
  EXPECT_EQ(decide(all(2), ada).substr(0, 8), "invalid:");
  EXPECT_EQ(labels(), "");
  EXPECT_EQ(lines(), 1U);
  EXPECT_EQ(decide(all(1), ada), "ok");
  EXPECT_EQ(decide(all(0), ada).substr(0, 9), "conflict:");
  EXPECT_EQ(labels(), "0:1@late 3:1@late ") << "the loser's label is not kept";
}

TEST_F(CasesTest, is_no_question_of_the_other_kind) {
  ASSERT_TRUE(cases.open(logged(), "r"));
  const auto review = (*reviews.list("default", "", "")).items.at(0);
  const auto closed = reviews.close(ada, review.id, "confirmed", "so it is");
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().hint(), "millrace case decide case-" + kId + " --label 0 or 1 --why TEXT");
  EXPECT_TRUE(reviews.list("default", "", "", kAlert)->items.empty());
}

TEST_F(CasesTest, the_log_alone_says_that_it_is_open) {
  EXPECT_EQ(cases.get("default", kId).error().code(), Code::not_found);
  logged_record = {{"id", kId},
                   {"workspace", "default"},
                   {"deployment", "late"},
                   {"outputs", {1}},
                   {"case", {{"id", "case-" + kId}, {"rule", "unsure"}, {"rows", {0}}, {"matched", 1}}}};
  const auto shown = *cases.get("default", "case-" + kId);
  EXPECT_EQ(shown["state"], "open");
  EXPECT_EQ(shown["outputs"], nullptr) << "nobody gets the model's answer before";
  EXPECT_EQ(decide(all(1), ada).substr(0, 12), "unavailable:");
  EXPECT_EQ(cases.get("other", kId).error().code(), Code::not_found);
  logged_record["case"] = nullptr;
  EXPECT_EQ(cases.get("default", kId).error().code(), Code::not_found);
}

}  // namespace
}  // namespace millrace::review
