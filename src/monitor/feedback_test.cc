#include "monitor/feedback.h"

#include <gtest/gtest.h>

#include "monitor/event_clock.h"
#include "store/testing.h"

namespace millrace::monitor {
namespace {

const Caller kAda{.workspace = "default", .subject = "ada", .roles = {"writer"}, .via = "native"};

std::string id_of(int number) { return fmt::format("01890a5d-ac96-774b-bcce-{:012x}", number); }

class FeedbackTest : public ::testing::Test {
 protected:
  testing::Store store;
  lineage::Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};
  Feedback feedback{journal, store.world.context};

  std::string record(std::vector<Label> labels, const Caller& caller = kAda) {
    const auto done = feedback.record(caller, "late", std::move(labels));
    return done ? to_text(done->to_json()) : done.error().text();
  }
  // revision:label@batch of every row, in order.
  std::string kept() const {
    std::string out;
    const auto rows =
        store.query("SELECT revision, label, batch FROM labels ORDER BY prediction_id, row_number, revision");
    for (const auto& row : *rows) out += fmt::format("{}:{}@{} ", row.integer(0), row.integer(1), row.integer(2));
    return out;
  }
  size_t lines() const { return journal.read_after("default", 0, 100)->size(); }
};

TEST_F(FeedbackTest, the_same_label_again_changes_nothing) {
  EXPECT_EQ(record({{id_of(1), 0, 1}, {id_of(2), 0, 0}}), R"({"accepted":2,"corrected":0,"unchanged":0})");
  EXPECT_EQ(record({{id_of(1), 0, 1}, {id_of(2), 0, 0}}), R"({"accepted":0,"corrected":0,"unchanged":2})");
  EXPECT_EQ(kept(), "1:1@1 1:0@1 ");
  EXPECT_EQ(lines(), 1U);
}

TEST_F(FeedbackTest, a_correction_stands_beside_what_it_corrects) {
  record({{id_of(1), 0, 1}, {id_of(1), 1, 1}});
  EXPECT_EQ(record({{id_of(1), 0, 0}, {id_of(1), 1, 1}, {id_of(3), 0, 1}}),
            R"({"accepted":1,"corrected":1,"unchanged":1})");
  EXPECT_EQ(record({{id_of(1), 0, 1}}), R"({"accepted":0,"corrected":1,"unchanged":0})");
  EXPECT_EQ(kept(), "1:1@1 2:0@2 3:1@3 1:1@1 1:1@2 ");
}

TEST_F(FeedbackTest, one_line_a_call_says_how_many_and_what) {
  record({{id_of(1), 0, 1}, {id_of(2), 0, 0}});
  const auto events = *journal.read_after("default", 0, 10);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, "feedback.recorded");
  EXPECT_EQ(events[0].node, "deployment:late");
  EXPECT_TRUE(events[0].after.starts_with("sha256:"));
  EXPECT_EQ(to_text(events[0].body), R"({"accepted":2,"batch":1,"corrected":0,"deployment":"late","unchanged":0})");
}

TEST_F(FeedbackTest, a_label_without_a_time_is_known_at_the_event_clock) {
  const auto times = [&] {
    std::string out;
    const auto rows = store.query("SELECT event_time FROM labels ORDER BY prediction_id");
    for (const auto& row : *rows) out += to_iso(row.integer(0)).substr(0, 10) + " ";
    return out;
  };
  record({{id_of(1), 0, 1}});
  ASSERT_TRUE(store.database->write([](store::Session& session) {
    return write_clock(session, "default", "late", {.event_now = 1'380'000'000'000'000});
  }));
  record({{id_of(2), 0, 1}, {id_of(3), 0, 1, 1'390'000'000'000'000}});
  EXPECT_EQ(times(), to_iso(store.world.clock.now()).substr(0, 10) + " 2013-09-24 2014-01-17 ");
}

TEST_F(FeedbackTest, workspaces_do_not_see_each_other) {
  record({{id_of(1), 0, 1}});
  auto other = kAda;
  other.workspace = "other";
  EXPECT_EQ(record({{id_of(1), 0, 0}}, other), R"({"accepted":1,"corrected":0,"unchanged":0})");
}

TEST_F(FeedbackTest, refuses_what_is_no_label_with_its_place) {
  EXPECT_EQ(record({{id_of(1), 0, 1}, {"prediction-7", 0, 1}}),
            "field items[1].prediction_id: 'prediction-7' is not the id of a prediction. Hint: the answer to a request "
            "names it: parameters.millrace_prediction_id");
  EXPECT_EQ(record({{id_of(1), 1'000'000, 1}}), "field items[0].row: row 1000000 is not from 0 to 999999");
  EXPECT_EQ(record({{id_of(1), 0, 2}}), "field items[0].label: the label 2 is not 0 or 1");
  EXPECT_EQ(record({{id_of(1), 0, 1}, {id_of(1), 0, 0}}),
            "field items: row 0 of the prediction 01890a5d-ac96-774b-bcce-000000000001 is labelled twice in one call. "
            "Hint: send a correction in a later call");
  EXPECT_EQ(kept(), "");
}

TEST_F(FeedbackTest, a_call_holds_ten_thousand_at_most) {
  std::vector<Label> labels;
  for (int i = 0; i <= 10'000; ++i) labels.push_back({id_of(i), 0, 1});
  EXPECT_EQ(record(labels),
            "field items: 10001 labels in one call, and 10000 are the most. Hint: send them in several calls; sending "
            "some twice does no harm");
  labels.pop_back();
  EXPECT_EQ(record(labels), R"({"accepted":10000,"corrected":0,"unchanged":0})");
}

TEST(ReadLabel, reads_an_item_of_the_api) {
  const auto label =
      read_label({{"prediction_id", id_of(1)}, {"row", 2}, {"label", true}, {"event_time", "2013-07-01T05:00:00Z"}}, 0);
  ASSERT_TRUE(label) << label.error().text();
  EXPECT_EQ(label->row, 2);
  EXPECT_EQ(label->label, 1);
  EXPECT_EQ(to_iso(label->event_time), "2013-07-01T05:00:00.000000Z");
  EXPECT_EQ(read_label({{"prediction_id", id_of(1)}, {"label", 1.0}}, 0)->label, 1);
}

TEST(ReadLabel, names_the_item_and_the_field) {
  const auto error = [](const Json& item) { return read_label(item, 3).error().text(); };
  EXPECT_EQ(error({{"prediction_id", id_of(1)}, {"label", 12.5}}),
            "field items[3].label: the label 12.5 is not 0 or 1. Hint: labels of two classes are watched: 1 where the "
            "event came true, 0 where it did not");
  EXPECT_EQ(error({{"prediction_id", id_of(1)}}), "field items[3].label: 'label' is missing");
  EXPECT_EQ(error({{"prediction_id", id_of(1)}, {"lable", 1}}),
            "field items[3].lable: unknown field 'lable'. Hint: known fields: prediction_id, row, label, event_time");
  EXPECT_NE(error({{"label", 1}}).find("items[3].prediction_id"), std::string::npos);
  EXPECT_NE(error({{"prediction_id", id_of(1)}, {"label", 1}, {"event_time", "soon"}}).find("items[3].event_time"),
            std::string::npos);
  EXPECT_NE(error("x").find("items[3]"), std::string::npos);
}

}  // namespace
}  // namespace millrace::monitor
