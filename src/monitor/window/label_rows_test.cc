#include "monitor/window/label_rows.h"

#include "monitor/testing.h"

namespace millrace::monitor {
namespace {

using testing::prediction_id;

class LabelRows : public testing::MonitorTest {
 protected:
  const LabelView all{"default", "late", 1'000'000, 1'000'000};

  // `count` labels of one call, more than two pages of the store, with a time and a revision each.
  void add(int64_t first, int64_t count, int64_t revision, int64_t batch, Micros time) {
    ASSERT_TRUE(execute(fmt::format(
        "WITH RECURSIVE n(i) AS (SELECT {0} UNION ALL SELECT i + 1 FROM n WHERE i < {1}) INSERT INTO labels "
        "(workspace, "
        "deployment, prediction_id, row_number, revision, label, event_time, recorded_at, batch, subject) SELECT "
        "'default', 'late', '01890a5d-ac96-774b-bcce-' || {5}, i % 2, {2}, {2} % 2, {4}, 0, {3}, "
        "'x' "
        "FROM n",
        first, first + count - 1, revision, batch, time,
        testing::on_postgres() ? "lpad(to_hex(i / 2), 12, '0')" : "printf('%012x', i / 2)")));
  }
  std::string answer(const std::vector<std::string>& files, const std::string& select) {
    if (files.empty()) return "no files";
    std::string list;
    for (const auto& file : files) list += (list.empty() ? "" : ", ") + engine::quote_text(file);
    auto engine = opened(state->engines->open({}));
    const auto table = opened(engine->query(fmt::format("SELECT {} FROM read_parquet([{}])", select, list)));
    std::string out;
    for (size_t i = 0; i < table.columns(); ++i) out += (i == 0 ? "" : " ") + table.text(0, i);
    return out;
  }
  std::string labels(const LabelView& view, int64_t first, int64_t last) {
    return answer(
        opened(write_labels(*state->database, view, prediction_id(first), prediction_id(last), folder / "tmp")),
        "count(*), count(DISTINCT prediction_id || row_number), sum(label), sum(revision)");
  }
  std::string fresh(const LabelView& before, const LabelView& now) {
    const auto found = opened(write_new_labels(*state->database, before, now, folder / "tmp"));
    return answer(found.files, "count(*), min(batch), max(batch), max(event_time)");
  }
};

TEST_F(LabelRows, pages_hold_every_row_once_with_its_newest_revision) {
  add(0, 120'001, 1, 1, 10);
  add(49'990, 20'000, 2, 2, 20);
  EXPECT_EQ(labels(all, 0, 1'000'000), "120001 120001 100001 140001");
  EXPECT_EQ(labels(all, 10, 19), "20 20 20 20") << "both ends are in";
  EXPECT_EQ(labels({"default", "late", 1, 1'000'000}, 0, 1'000'000), "120001 120001 120001 120001");
  EXPECT_EQ(labels({"default", "late", 2, 19}, 0, 1'000'000), "120001 120001 120001 120001");
  EXPECT_EQ(labels({"default", "early", 2, 100}, 0, 1'000'000), "no files");
}

TEST_F(LabelRows, what_is_new_is_what_only_the_later_view_sees) {
  add(0, 60'000, 1, 1, 10);
  add(60'000, 60'000, 1, 2, 30);
  const auto view = [](int64_t batch, Micros until) { return LabelView{"default", "late", batch, until}; };
  EXPECT_EQ(fresh(view(0, 0), view(2, 40)), "120000 1 2 30");
  EXPECT_EQ(fresh(view(0, 0), view(2, 20)), "60000 1 1 10");
  EXPECT_EQ(fresh(view(2, 20), view(2, 40)), "60000 2 2 30") << "their time has come";
  EXPECT_EQ(fresh(view(1, 20), view(2, 40)), "60000 2 2 30");
  EXPECT_EQ(fresh(view(2, 40), view(2, 90)), "no files");
  EXPECT_EQ(*last_batch(*state->database, "default", "late"), 2);
  EXPECT_EQ(*last_batch(*state->database, "default", "early"), 0);
}

}  // namespace
}  // namespace millrace::monitor
