#include "track/points/series.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include <fmt/format.h>

#include "track/points/codec.h"
#include "track/points/curve.h"
#include "track/points/seal_old.h"
#include "track/testing.h"

namespace millrace::track {
namespace {

using Values = std::tuple<int64_t, int64_t, double, bool>;
Values values_of(const Point& point) { return {point.timestamp, point.step, point.value, point.is_nan}; }

class SeriesTest : public ::testing::Test {
 protected:
  SeriesTest() : run(world.run().info) {}

  void add(const std::string& key, Points points) { add_each(key, {std::move(points)}); }
  // One append after the other, in one transaction.
  void add_each(const std::string& key, std::vector<Points> batches) {
    const auto done = world.store.database->write([&](store::Session& session) -> Result<void> {
      for (auto& points : batches) {
        points.sort();
        for (const auto& point : points.points) model[key].insert(values_of(point));
        MILLRACE_DO(append(session, "default", run, {{key, points}}));
      }
      return {};
    });
    ASSERT_TRUE(done) << done.error().text();
  }

  template <class Ask>
  auto ask(Ask question) {
    Points out;
    const auto done = world.store.database->read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(out, question(session));
      return {};
    });
    EXPECT_TRUE(done) << done.error().text();
    return out;
  }
  Points history(const std::string& key, size_t page) {
    Points all;
    std::optional<Point> after;
    while (true) {
      const auto some = ask([&](auto& session) {
        return history_after(session, {workspace, run.id, key}, after, page);
      });
      if (some.empty()) return all;
      EXPECT_LE(some.size(), page);
      after = some.points.back();
      all.merge(some);
    }
  }
  void expect_all(const std::string& key, size_t page = 5'000) {
    const auto found = history(key, page);
    ASSERT_EQ(found.size(), model[key].size());
    size_t i = 0;
    for (const auto& each : model[key]) ASSERT_EQ(values_of(found.points[i++]), each);
  }
  int64_t chunks() { return world.store.number("SELECT count(*) FROM track_metric_chunks"); }

  // Of the points of a range on the curve those that MLflow's server would choose.
  std::vector<Values> chosen(const std::string& key, const CurveRange& range) {
    std::vector<Point> curve;
    for (const auto& [timestamp, step, value, is_nan] : model[key])
      if (!range.start_step || (step >= *range.start_step && step <= *range.end_step))
        curve.push_back({timestamp, step, value, is_nan});
    std::sort(curve.begin(), curve.end(), [](const Point& a, const Point& b) { return a.on_curve() < b.on_curve(); });
    std::vector<Values> out;
    for (const auto index : evenly_spaced(curve.size(), range.wanted)) out.push_back(values_of(curve[index]));
    return out;
  }
  void expect_sample(const std::string& key, const CurveRange& range) {
    const auto found = ask([&](auto& session) { return sample_evenly(session, {workspace, run.id, key}, range); });
    std::vector<Values> values;
    for (const auto& point : found.points) values.push_back(values_of(point));
    EXPECT_EQ(values, chosen(key, range));
  }

  static Points line(int64_t from, int64_t count) {
    Points out;
    for (int64_t i = from; i < from + count; ++i)
      out.add(clamped(1'000 + i * 10, i, std::sin(static_cast<double>(i))), {});
    return out;
  }

  testing::Tracked world;
  RunInfo run;
  std::map<std::string, std::set<Values>> model;
  const std::string workspace = "default";
};

TEST_F(SeriesTest, points_that_come_one_by_one_are_sealed_when_the_tail_is_full) {
  std::vector<Points> single;
  for (int64_t i = 0; i < 300; ++i) single.push_back(line(i, 1));
  add_each("m", single);
  EXPECT_EQ(chunks(), 1);
  EXPECT_EQ(world.store.number("SELECT unsealed FROM track_latest_metrics"), 300 - 2 * 129);
  expect_all("m");
}

TEST_F(SeriesTest, a_single_point_is_its_own_tail) {
  add("m", line(5, 1));
  EXPECT_EQ(world.store.number("SELECT count(*) FROM track_latest_metrics WHERE tail IS NULL AND unsealed = 1"), 1);
  expect_all("m");
}

TEST_F(SeriesTest, batches_fill_chunks_before_they_begin_others) {
  for (int64_t i = 0; i < 12; ++i) add("m", line(i * 1'000, 1'000));
  EXPECT_EQ(chunks(), 3);
  expect_all("m");
  expect_all("m", 97);
  expect_sample("m", {});
  expect_sample("m", {.start_step = 900, .end_step = 7'300, .wanted = 100});
}

TEST_F(SeriesTest, the_same_points_again_change_nothing) {
  add("m", line(0, 5'000));
  add("m", line(5'000, 10));
  const auto version = world.store.number("SELECT version FROM track_latest_metrics");
  add("m", line(0, 5'000));
  add("m", line(5'000, 10));
  add("m", line(4'999, 1));
  EXPECT_EQ(world.store.number("SELECT version FROM track_latest_metrics"), version);
  expect_all("m");
}

TEST_F(SeriesTest, points_in_any_order_are_kept_once_and_in_order) {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    std::mt19937_64 random(seed);
    const auto key = fmt::format("m{}", seed);
    std::vector<Points> batches(60);
    for (size_t round = 0; round < batches.size(); ++round) {
      auto& batch = batches[round];
      for (auto count = 1 + random() % (round % 7 == 0 ? 900 : 20); count > 0; --count) {
        const bool nan = random() % 50 == 0;
        batch.add(clamped(static_cast<int64_t>(random() % (seed < 3 ? 3'000 : 40)),
                          static_cast<int64_t>(random() % 50) - 25, nan ? NAN : static_cast<double>(random() % 10)),
                  {});
      }
    }
    add_each(key, batches);
    expect_all(key);
    expect_all(key, 97);
    expect_sample(key, {});
    expect_sample(key, {.start_step = std::nullopt, .end_step = std::nullopt, .wanted = 1});
    expect_sample(key, {.start_step = -3, .end_step = 11, .wanted = 33});
    // Chunks do not overlap and are never too full.
    const auto rows = world.store.query(
        "SELECT points, bytes FROM track_metric_chunks WHERE key = ? ORDER BY "
        "first_timestamp, first_step, first_value, first_is_nan",
        {key});
    std::optional<Point> last;
    for (const auto& row : *rows) {
      const auto points = decode(row.text(1));
      ASSERT_TRUE(points);
      EXPECT_EQ(static_cast<int64_t>(points->size()), row.integer(0));
      EXPECT_TRUE(!last || before(*last, points->points.front()));
      last = points->points.back();
    }
  }
}

TEST_F(SeriesTest, what_points_were_measured_on_stays_with_them) {
  auto points = line(0, 300);
  points.points[7].origin = points.index_of({"m-1", "june", "d"});
  add("m", points);
  add("m", line(7, 1));  // the same point, of nothing: it is there already
  const auto found = history("m", 1'000);
  EXPECT_EQ(found.origin_of(found.points[7]), (Origin{"m-1", "june", "d"}));
  EXPECT_EQ(found.origin_of(found.points[8]), Origin{});
}

TEST_F(SeriesTest, rows_of_before_are_read_and_become_chunks_with_the_next_write) {
  const auto rows = line(0, 5'000);
  ASSERT_TRUE(world.store.database->write([&](store::Session& session) -> Result<void> {
    for (const auto& point : rows.points) {
      model["m"].insert(values_of(point));
      MILLRACE_TRY(const auto done,
                   session.execute("INSERT INTO track_metrics VALUES ('default', ?, 'm', ?, ?, ?, 0, '', 'june', 'd')",
                                   {run.id, point.timestamp, point.step, point.value}));
      (void)done;
    }
    return {};
  }));
  const auto last = line(4'999, 1).points.front();
  ASSERT_TRUE(
      world.store.execute("INSERT INTO track_latest_metrics (workspace, run_id, key, timestamp, step, value, "
                          "is_nan, model_id, dataset_name, dataset_digest, old_rows) VALUES ('default', ?, "
                          "'m', ?, ?, ?, 0, '', '', '', 1)",
                          {run.id, last.timestamp, last.step, last.value}));
  expect_all("m");
  expect_sample("m", {});
  add("m", line(4'990, 20));
  EXPECT_EQ(world.store.number("SELECT count(*) FROM track_metrics"), 0);
  EXPECT_EQ(world.store.number("SELECT old_rows FROM track_latest_metrics"), 0);
  expect_all("m");
  const auto found = history("m", 1'000);
  EXPECT_EQ(found.origin_of(found.points[0]).dataset_name, "june");
}

TEST_F(SeriesTest, rows_of_before_become_chunks_some_at_a_time_without_a_write) {
  Points rows = line(0, 9'000);
  rows.points[17].is_nan = true;
  rows.points[17].value = 0;
  ASSERT_TRUE(world.store.database->write([&](store::Session& session) -> Result<void> {
    for (const auto& point : rows.points) {
      model["m"].insert(values_of(point));
      MILLRACE_TRY(const auto done,
                   session.execute("INSERT INTO track_metrics VALUES ('default', ?, 'm', ?, ?, ?, ?, '', 'june', 'd')",
                                   {run.id, point.timestamp, point.step, point.value, int64_t{point.is_nan}}));
      (void)done;
    }
    MILLRACE_TRY(const auto head,
                 session.execute("INSERT INTO track_latest_metrics (workspace, run_id, key, timestamp, step, value, "
                                 "is_nan, model_id, dataset_name, dataset_digest, old_rows) VALUES ('default', ?, "
                                 "'m', 1, 8999, 0.25, 0, '', '', '', 1)",
                                 {run.id}));
    (void)head;
    return {};
  }));
  const auto latest = [&] { return world.store.query("SELECT timestamp, step, value FROM track_latest_metrics"); };
  const auto before_it = latest()->at(0);
  OldPoints old(*world.store.database, world.journal, world.store.world.context);
  EXPECT_TRUE(*old.any());
  for (int64_t step = 1; step <= 3; ++step) {  // each time as if the server died after a step
    int64_t left = 1;
    EXPECT_EQ(*old.seal([&] { return left-- == 0; }), 1);
    EXPECT_EQ(world.store.number("SELECT count(*) FROM track_metrics"), step < 3 ? 9'000 - step * 4'096 : 0);
    expect_all("m");
    expect_sample("m", {});
    EXPECT_EQ(latest()->at(0).integer(1), before_it.integer(1));
    EXPECT_EQ(latest()->at(0).real(2), before_it.real(2));
  }
  EXPECT_FALSE(*old.any());
  EXPECT_EQ(chunks(), 3);
  EXPECT_EQ(*old.seal([] { return false; }), 0);
  add("m", line(8'990, 300));  // ten of them are there
  expect_all("m");
  EXPECT_EQ(history("m", 5'000).origin_of(history("m", 5'000).points[0]).dataset_name, "june");
}

TEST_F(SeriesTest, a_write_between_two_steps_finishes_the_move) {
  const auto rows = line(0, 9'000);
  ASSERT_TRUE(world.store.database->write([&](store::Session& session) -> Result<void> {
    for (const auto& point : rows.points) {
      model["m"].insert(values_of(point));
      MILLRACE_TRY(const auto done,
                   session.execute("INSERT INTO track_metrics VALUES ('default', ?, 'm', ?, ?, ?, 0, '', '', '')",
                                   {run.id, point.timestamp, point.step, point.value}));
      (void)done;
    }
    MILLRACE_TRY(const auto head,
                 session.execute("INSERT INTO track_latest_metrics (workspace, run_id, key, timestamp, step, value, "
                                 "is_nan, model_id, dataset_name, dataset_digest, old_rows) VALUES ('default', ?, "
                                 "'m', 1, 1, 0, 0, '', '', '', 1)",
                                 {run.id}));
    (void)head;
    return {};
  }));
  OldPoints old(*world.store.database, world.journal, world.store.world.context);
  int64_t left = 1;
  EXPECT_EQ(*old.seal([&] { return left-- == 0; }), 1);
  add("m", line(4'000, 6'000));  // in a chunk, still a row, and new
  EXPECT_EQ(world.store.number("SELECT count(*) FROM track_metrics"), 0);
  EXPECT_FALSE(*old.any());
  expect_all("m");
  expect_sample("m", {});
}

// So nothing needs to join small ones: the bytes of a row that a chunk costs are shared by 2,048 points and more.
TEST_F(SeriesTest, in_whatever_order_points_come_no_chunk_but_the_last_is_less_than_half_full) {
  std::vector<Points> batches;
  for (int64_t i = 0; i < 200; ++i) batches.push_back(line(i * 150, 150));
  std::shuffle(batches.begin(), batches.end(), std::mt19937(5));
  add_each("m", batches);
  expect_all("m");
  EXPECT_GT(chunks(), 7);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM track_metric_chunks WHERE points < 2048 AND first_timestamp < "
                               "(SELECT max(first_timestamp) FROM track_metric_chunks)"),
            0);
}

TEST_F(SeriesTest, a_damaged_chunk_is_named_and_other_metrics_stay_readable) {
  add("m", line(0, 500));
  add("n", line(0, 500));
  ASSERT_TRUE(world.store.execute("UPDATE track_metric_chunks SET bytes = substr(bytes, 1, 100) WHERE key = 'm'"));
  const auto broken = world.tracking.metric_history(world.ada, run.id, {.key = "m", .limit = 10, .page_token = ""});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code(), Code::corrupt);
  EXPECT_NE(broken.error().text().find("metric 'm' of run " + run.id), std::string::npos) << broken.error().text();
  EXPECT_FALSE(
      world.tracking.sampled_history(world.ada, {.run_ids = {run.id}, .key = "m", .start_step = {}, .end_step = {}}));
  expect_all("n");
}

// Another server that writes the same metric between our look at it and our write.
class Meddler final : public store::Session {
 public:
  Meddler(store::Session& session, std::function<Result<void>(store::Session&)> meddle)
      : session_(session), meddle_(std::move(meddle)) {}
  Result<store::Rows> query(std::string_view sql, const store::Values& values) override {
    auto rows = session_.query(sql, values);
    if (const auto meddle = std::exchange(meddle_, nullptr)) MILLRACE_DO(meddle(session_));
    return rows;
  }
  Result<int64_t> execute(std::string_view sql, const store::Values& values) override {
    return session_.execute(sql, values);
  }

 private:
  store::Session& session_;
  std::function<Result<void>(store::Session&)> meddle_;
};

TEST_F(SeriesTest, of_two_writers_at_once_neither_is_lost) {
  int64_t from = 0;
  for (const int64_t ours : {1, 1, 1, 200, 200, 1}) {
    for (const int64_t theirs : {1, 200}) {
      const auto mine = line(from, ours), other = line(from + ours, theirs);
      from += ours + theirs;
      for (const auto* points : {&mine, &other})
        for (const auto& point : points->points) model["m"].insert(values_of(point));
      const auto done = world.store.database->write([&](store::Session& session) {
        Meddler meddler(session, [&](store::Session& inner) { return append(inner, "default", run, {{"m", other}}); });
        return append(meddler, "default", run, {{"m", mine}});
      });
      ASSERT_TRUE(done) << done.error().text();
      expect_all("m");
    }
  }
}

TEST_F(SeriesTest, a_sample_with_extremes_loses_no_peak) {
  auto points = line(0, 10'000);
  points.points[5'001].value = 99;
  points.points[8'003].value = -99;
  points.points[0] = clamped(1'000, 0, NAN);
  add("m", points);
  const CurveRange range{.start_step = std::nullopt, .end_step = std::nullopt, .wanted = 50};
  const auto found = ask([&](auto& session) { return sample_extremes(session, {workspace, run.id, "m"}, range); });
  EXPECT_LE(found.size(), 50U);
  EXPECT_GE(found.size(), 40U);
  const auto has = [&](double value) {
    return std::any_of(found.points.begin(), found.points.end(), [&](const Point& p) { return p.value == value; });
  };
  EXPECT_TRUE(has(99));
  EXPECT_TRUE(has(-99));
  EXPECT_TRUE(found.points.front().is_nan);
  EXPECT_EQ(found.points.back().step, 9'999);
  EXPECT_TRUE(std::is_sorted(found.points.begin(), found.points.end(),
                             [](const Point& a, const Point& b) { return a.on_curve() < b.on_curve(); }));
}

TEST(Evenly, parts_differ_by_one_and_the_last_is_kept) {
  using Places = std::vector<size_t>;
  EXPECT_EQ(evenly_spaced(0, 5), Places{});
  EXPECT_EQ(evenly_spaced(1, 5), Places{0});
  EXPECT_EQ(evenly_spaced(3, 5), (Places{0, 1, 2}));
  EXPECT_EQ(evenly_spaced(10, 3), (Places{0, 4, 9}));
  EXPECT_EQ(evenly_spaced(10, 1), Places{9});
}

}  // namespace
}  // namespace millrace::track
