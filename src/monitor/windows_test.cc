#include "monitor/windows.h"

#include "lineage/graph.h"
#include "monitor/testing.h"

namespace millrace::monitor {
namespace {

using testing::at;
using testing::prediction_id;
using testing::Request;

class WindowsTest : public testing::MonitorTest {
 protected:
  // One request a day at noon, from the id on.
  static std::vector<Request> days(int64_t first_id, std::string_view from, int count) {
    std::vector<Request> out;
    for (int i = 0; i < count; ++i)
      out.push_back({.id = first_id + i,
                     .time = at(from) + i * Micros{86'400'000'000} + Micros{43'200'000'000},
                     .score = 0.1 + 0.01 * i,
                     .inputs = {{"distance", 100.0 + i}}});
    return out;
  }
  std::string text() { return shown(listed({.deployment = "late", .arm = "all"})); }
  int64_t rows(const std::string& table) {
    int64_t out = -1;
    EXPECT_TRUE(state->database->read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(const auto row, session.first("SELECT count(*) FROM " + table));
      out = row->integer(0);
      return {};
    }));
    return out;
  }
};

TEST_F(WindowsTest, every_window_that_has_ended_is_computed_in_order) {
  add_file(days(1, "2013-06-20", 60));
  EXPECT_EQ(look("2013-08-10"), "2 looks, 4 new");
  EXPECT_EQ(text(),
            "2013-06-01 all/0 r1 as of 2013-07-01: 11 requests, 0 labels\n"
            "2013-07-01 all/0 r1 as of 2013-08-01: 31 requests, 0 labels\n");
  EXPECT_EQ(told, (std::vector<std::string>{"2013-07-01: all/0r1 stable/1r1", "2013-08-01: all/0r1 stable/1r1"}));
  EXPECT_EQ(look("2013-09-01"), "1 looks, 2 new");
  EXPECT_EQ(told.back(), "2013-09-01: all/0r1 stable/1r1");
}

TEST_F(WindowsTest, again_with_the_same_evidence_changes_nothing) {
  add_file(days(1, "2013-06-20", 30));
  label({{prediction_id(1), 0, 1, at("2013-06-21")}});
  look("2013-07-20");
  const auto before = count("monitor.window.recorded");
  restart();
  EXPECT_EQ(look("2013-07-20"), "0 looks, 0 new");
  EXPECT_EQ(look("2013-07-01"), "0 looks, 0 new");
  label({{prediction_id(1), 0, 1, at("2013-06-25")}});
  EXPECT_EQ(look("2013-07-20"), "0 looks, 0 new");
  EXPECT_EQ(count("monitor.window.recorded"), before);
}

TEST_F(WindowsTest, a_window_is_looked_at_while_it_fills) {
  spec.every = Period::week;
  add_file(days(1, "2013-07-01", 31));
  EXPECT_EQ(look("2013-07-16"), "2 looks, 4 new");
  EXPECT_EQ(text(), "2013-07-01 all/0 r2 as of 2013-07-15: 14 requests, 0 labels\n");
  EXPECT_EQ(look("2013-08-01"), "3 looks, 6 new");
  EXPECT_EQ(text(), "2013-07-01 all/0 r5 as of 2013-08-01: 31 requests, 0 labels\n");
  EXPECT_EQ(told[0], "2013-07-08: all/0r1 stable/1r1");
}

TEST_F(WindowsTest, a_look_counts_the_labels_that_were_known_then) {
  spec.every = Period::week;
  add_file(days(1, "2013-07-01", 31));
  label({{prediction_id(1), 0, 1, at("2013-07-02")},
         {prediction_id(2), 0, 0, at("2013-07-10")},
         {prediction_id(3), 0, 1, at("2013-08-20")}});
  ASSERT_EQ(look("2013-07-08"), "1 looks, 2 new");
  EXPECT_EQ(text(), "2013-07-01 all/0 r1 as of 2013-07-08: 7 requests, 1 labels\n");
  ASSERT_EQ(look("2013-08-01"), "4 looks, 8 new");
  EXPECT_EQ(text(), "2013-07-01 all/0 r5 as of 2013-08-01: 31 requests, 2 labels\n");
  EXPECT_EQ(look("2013-08-19"), "0 looks, 0 new");
  EXPECT_EQ(look("2013-08-21"), "1 looks, 2 new") << "the time of the third label has come";
  EXPECT_EQ(text(), "2013-07-01 all/0 r6 as of 2013-08-01: 31 requests, 3 labels\n");
  EXPECT_EQ(told.back(), "2013-08-21: all/0r6 stable/1r6");
}

TEST_F(WindowsTest, late_labels_and_corrections_make_a_revision_of_their_window_alone) {
  add_file(days(1, "2013-06-01", 30));
  add_file(days(101, "2013-07-01", 31));
  look("2013-08-01");
  label({{prediction_id(1), 0, 1, at("2013-08-01")}, {prediction_id(2), 0, 0, at("2013-08-01")}});
  EXPECT_EQ(look("2013-08-01"), "1 looks, 2 new");
  label({{prediction_id(1), 0, 0, at("2013-08-01")}});
  EXPECT_EQ(look("2013-08-01"), "1 looks, 2 new") << "as many labels, and one of them another";
  EXPECT_EQ(text(),
            "2013-06-01 all/0 r3 as of 2013-07-01: 30 requests, 2 labels\n"
            "2013-07-01 all/0 r1 as of 2013-08-01: 31 requests, 0 labels\n");
  EXPECT_EQ(listed({.deployment = "late", .arm = "all"})[0].summary["performance"]["base_rate"]["value"], 0);
  EXPECT_EQ(rows("monitor_windows"), 8) << "older revisions stay";
  EXPECT_EQ(rows("monitor_due"), 0);
}

TEST_F(WindowsTest, late_requests_make_a_revision) {
  add_file(days(1, "2013-06-01", 30));
  look("2013-07-05");
  add_file({{.id = 200, .time = at("2013-06-15")}});
  EXPECT_EQ(look("2013-07-05"), "1 looks, 2 new");
  EXPECT_EQ(text(), "2013-06-01 all/0 r2 as of 2013-07-01: 31 requests, 0 labels\n");
  add_file({{.id = 201, .time = at("2013-05-15")}});
  EXPECT_EQ(look("2013-07-05"), "1 looks, 2 new") << "a window that had no rows before";
}

TEST_F(WindowsTest, labels_of_nobody_count_nowhere) {
  add_file(days(1, "2013-06-01", 30));
  label({{prediction_id(77'777), 0, 1, at("2013-06-02")}, {prediction_id(1), 5, 1, at("2013-06-02")}});
  look("2013-07-01");
  EXPECT_EQ(text(), "2013-06-01 all/0 r1 as of 2013-07-01: 30 requests, 0 labels\n");
}

TEST_F(WindowsTest, a_look_opens_only_files_of_its_days) {
  add_file(days(1, "2013-06-01", 30));
  look("2013-07-01");
  // Nothing of June is read again: not even a file that is gone.
  ASSERT_TRUE(remove_tree(folder / "predictions/late/000000000001.parquet"));
  add_file(days(101, "2013-07-01", 31));
  EXPECT_EQ(look("2013-08-01"), "1 looks, 2 new");
  label({{prediction_id(101), 0, 1, at("2013-08-01")}});
  EXPECT_EQ(look("2013-08-01"), "1 looks, 2 new");
}

TEST_F(WindowsTest, requests_of_other_workspaces_are_not_ours) {
  auto rows = days(1, "2013-06-01", 4);
  rows[3].workspace = "other";
  add_file(rows);
  look("2013-07-01");
  EXPECT_EQ(text(), "2013-06-01 all/0 r1 as of 2013-07-01: 3 requests, 0 labels\n");
}

TEST_F(WindowsTest, each_arm_and_version_has_a_window) {
  auto rows = days(1, "2013-06-01", 6);
  rows[1].arm = "canary", rows[1].version = 2;
  rows[2].version = 2;
  rows[3].arm = "shadow", rows[3].version = 3;
  rows[4].status = "failed";
  rows[5].status = "refused", rows[5].field = "distance", rows[5].rule = "minimum";
  add_file(rows);
  ASSERT_EQ(look("2013-07-01"), "1 looks, 5 new");
  EXPECT_EQ(shown(listed()),
            "2013-06-01 all/0 r1 as of 2013-07-01: 5 requests, 0 labels\n"
            "2013-06-01 canary/2 r1 as of 2013-07-01: 1 requests, 0 labels\n"
            "2013-06-01 shadow/3 r1 as of 2013-07-01: 1 requests, 0 labels\n"
            "2013-06-01 stable/1 r1 as of 2013-07-01: 3 requests, 0 labels\n"
            "2013-06-01 stable/2 r1 as of 2013-07-01: 1 requests, 0 labels\n");
  const auto all = listed()[0].summary;
  EXPECT_EQ(all["answered"], 3);
  EXPECT_EQ(all["failed"], 1);
  EXPECT_EQ(all["refused"], 1);
  EXPECT_EQ(listed()[4].node(), "prediction_window:late/stable.late.2@2013-06-01");
  EXPECT_EQ(listed()[0].node(), "prediction_window:late/all@2013-06-01");
}

TEST_F(WindowsTest, a_page_goes_on_after_its_cursor) {
  add_file(days(1, "2013-06-01", 60));
  look("2013-08-01");
  const auto first = opened(state->windows.list("default", {.deployment = "late"}, {}, 3));
  ASSERT_EQ(first.size(), 3U);
  const auto& last = first.back();
  const auto rest = opened(state->windows.list(
      "default", {.deployment = "late"}, WindowCursor{last.from, last.to, last.arm, last.model, last.version}, 3));
  EXPECT_EQ(shown(rest), "2013-07-01 stable/1 r1 as of 2013-08-01: 30 requests, 0 labels\n");
  EXPECT_EQ(listed({.deployment = "late", .arm = "all", .from = at("2013-07-01")}).size(), 1U);
  EXPECT_EQ(listed({.deployment = "late", .arm = "all", .to = at("2013-07-01")}).size(), 1U);
}

TEST_F(WindowsTest, the_graph_leads_from_a_window_to_releases_and_files) {
  facts.taught = artifact("training.parquet", {{{"distance", 1.0}}, {{"distance", 2.0}}}, {{"distance", Kind::number}});
  const std::string sent = "sha256:" + std::string(64, 'a');
  ASSERT_TRUE(state->journal.write(caller, [&](store::Session&) -> Result<lineage::Change> {
    return lineage::Change{.kind = "stage.ran",
                           .node = "stage:requests@1",
                           .nodes = {{.id = "artifact:requests/r.parquet@aaaaaaaaaaaa", .digest = sent}}};
  }));
  auto rows = days(1, "2013-06-01", 2);
  rows[0].sent = sent;
  rows[1].sent = "sha256:" + std::string(64, 'b');
  add_file(rows);
  look("2013-07-01");
  const auto walk = lineage::walk(*state->database, "default", "prediction_window:late/all@2013-06-01",
                                  lineage::Direction::upstream, 1);
  ASSERT_TRUE(walk) << walk.error().text();
  std::string edges;
  for (const auto& edge : walk->edges) edges += edge.kind + " " + edge.source.substr(0, edge.source.find('@')) + "\n";
  EXPECT_EQ(edges, "sent_in artifact:requests/r.parquet\ncompared_in reference:late/1\nanswered_in release:late\n");
}

TEST_F(WindowsTest, a_line_says_what_was_recorded) {
  add_file(days(1, "2013-06-01", 2));
  look("2013-07-01");
  const auto events = *state->journal.read_after("default", 0, 100);
  const auto& line = events.back();
  EXPECT_EQ(line.kind, "monitor.window.recorded");
  EXPECT_EQ(line.node, "prediction_window:late/all@2013-06-01");
  EXPECT_EQ(to_iso(line.event_time), "2013-07-01T00:00:00.000000Z");
  EXPECT_EQ(line.body["windows"].size(), 2U);
  EXPECT_EQ(line.body["windows"][0]["requests"], 2);
}

TEST_F(WindowsTest, the_event_clock_goes_forward_only) {
  EXPECT_EQ(*state->windows.event_now("default", "late"), 0);
  ASSERT_TRUE(state->windows.advance(caller, "late", at("2013-07-01")));
  ASSERT_TRUE(state->windows.advance(caller, "late", at("2013-06-01")));
  EXPECT_EQ(to_iso(*state->windows.event_now("default", "late")).substr(0, 10), "2013-07-01");
}

TEST_F(WindowsTest, looks_by_the_wall_clock_do_not_stand_for_those_of_a_replay) {
  EXPECT_EQ(look("2014-01-01"), "0 looks, 0 new");
  ASSERT_TRUE(state->windows.advance(caller, "late", at("2013-06-01")));
  add_file(days(1, "2013-06-01", 30));
  EXPECT_EQ(look("2013-07-01"), "1 looks, 2 new");
  EXPECT_EQ(look("2013-07-01"), "0 looks, 0 new");
}

TEST_F(WindowsTest, what_the_hook_refuses_is_told_again) {
  add_file(days(1, "2013-06-01", 30));
  const auto hook = state->windows.on_look;
  state->windows.on_look = [](const Caller&, const MonitorSpec&, const std::vector<Window>&, Micros) -> Result<void> {
    return Error{Code::unavailable, "no room for an alert"};
  };
  EXPECT_EQ(look("2013-07-01"), "no room for an alert");
  state->windows.on_look = hook;
  EXPECT_EQ(look("2013-07-01"), "1 looks, 0 new");
  EXPECT_EQ(told, (std::vector<std::string>{"2013-07-01: all/0r1 stable/1r1"}));
  EXPECT_EQ(look("2013-07-01"), "0 looks, 0 new");
}

TEST_F(WindowsTest, a_damaged_file_of_the_log_is_named) {
  add_file(days(1, "2013-06-01", 3));
  ASSERT_TRUE(write_file(folder / "predictions/late/000000000001.parquet", "PAR1 no longer"));
  EXPECT_TRUE(look("2013-07-01").find("the prediction log cannot be read") != std::string::npos) << look("2013-07-01");
}

TEST_F(WindowsTest, a_look_that_is_cancelled_goes_on_later) {
  add_file(days(1, "2013-06-01", 61));
  int asked = 0;
  const auto cut =
      state->windows.look(caller, spec, at("2013-08-01"), {.cancelled = [&] { return ++asked > 1; }, .say = {}});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), Code::unavailable);
  EXPECT_EQ(told.size(), 1U);
  EXPECT_EQ(look("2013-08-01"), "1 looks, 2 new");
}

TEST_F(WindowsTest, the_reference_is_made_once_for_a_version_and_its_files) {
  facts.taught = artifact("training.parquet", {{{"distance", 1.0}}, {{"distance", 2.0}}}, {{"distance", Kind::number}});
  add_file(days(1, "2013-06-01", 60));
  look("2013-07-01");
  restart();
  look("2013-08-01");
  EXPECT_EQ(count("monitor.reference.made"), 1);
  facts.taught = artifact("other.parquet", {{{"distance", 3.0}}}, {{"distance", Kind::number}});
  add_file(days(100, "2013-08-01", 3));
  look("2013-09-01");
  EXPECT_EQ(count("monitor.reference.made"), 2);
}

TEST_F(WindowsTest, a_reference_that_cannot_be_read_is_a_problem_until_it_can) {
  facts.taught = Artifact{"sha256:" + std::string(64, 'c'), "artifact:training/t.parquet@cccccccccccc"};
  add_file(days(1, "2013-06-01", 3));
  ASSERT_EQ(look("2013-07-01"), "1 looks, 2 new");
  const auto summary = listed()[0].summary;
  EXPECT_TRUE(summary["reference"]["problem"].get<std::string>().starts_with(
      "artifact:training/t.parquet@cccccccccccc cannot be read"))
      << summary["reference"];
  EXPECT_TRUE(summary["columns"].empty());
  EXPECT_EQ(rows("monitor_references"), 0);
}

}  // namespace
}  // namespace millrace::monitor
