#include <gtest/gtest.h>

#include <cmath>

#include <fmt/format.h>

#include "core/clock.h"
#include "data/cause/blame.h"
#include "data/cause/look.h"
#include "data/testing.h"
#include "store/testing.h"

namespace millrace::data::cause {
namespace {

constexpr size_t kBatches = 6;
constexpr size_t kDaysOfABatch = 30;
constexpr size_t kRowsOfADay = 24;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Half a year of a station: a season, weather that lasts some days, a day's warmth, dew below it and the humidity that
// follows from both, a wind given in steps, and a site.
struct Station {
  Frame frame{.dataset = "station", .suspect = kBatches - 1};
  FrameColumn warm{.name = "warm", .number = true}, dew{.name = "dew", .number = true},
      damp{.name = "damp", .number = true}, wind{.name = "wind", .number = true}, site{.name = "site"};
  std::vector<std::string> sites;
  SeededRandom random{7};

  double chance() { return static_cast<double>(random.next() >> 11) * 0x1p-53; }
  Station() {
    double weather = 0;
    for (size_t b = 0; b < kBatches; ++b) {
      frame.batches.push_back({.dataset = "station", .version = static_cast<int64_t>(b + 1), .verdict = "accepted"});
      for (size_t d = 0; d < kDaysOfABatch; ++d) {
        weather = 0.6 * weather + 6 * (chance() - 0.5);
        const double day = static_cast<double>(b * kDaysOfABatch + d);
        for (size_t h = 0; h < kRowsOfADay; ++h) {
          frame.batch.push_back(static_cast<uint8_t>(b));
          frame.day.push_back(static_cast<int32_t>(15'000 + b * kDaysOfABatch + d));
          const double t =
              45 + 0.15 * day + weather * 2 + 8 * std::sin(static_cast<double>(h) / 4) + 2 * (chance() - 0.5);
          const double drop = 4 + 10 * chance();
          warm.numbers.push_back(std::round(t * 10) / 10);
          dew.numbers.push_back(std::round((t - drop) * 10) / 10);
          damp.numbers.push_back(100 - 3.5 * drop + 0.02 * drop * drop);
          wind.numbers.push_back(std::round((6 + weather + 4 * chance())) * 1.15);
          sites.push_back(h % 3 == 0 ? "north" : h % 3 == 1 ? "south" : "west");
        }
      }
    }
  }
  bool is_suspect(size_t row) const { return frame.batch[row] == frame.suspect; }
  void change(FrameColumn& column, const std::function<double(double)>& by) {
    for (size_t r = 0; r < frame.rows(); ++r)
      if (is_suspect(r)) column.numbers[r] = by(column.numbers[r]);
  }
  std::vector<Suspect> suspects() {
    std::map<std::string, int32_t> known;
    for (const auto& text : sites) {
      const auto [at, fresh] = known.emplace(text, static_cast<int32_t>(known.size()));
      if (fresh) site.texts.push_back(text);
      site.codes.push_back(at->second);
    }
    frame.columns = {warm, dew, damp, wind, site};
    finish_frame(frame);
    Look look(frame);
    look_at_nulls(look), look_at_values(look), look_at_slices(look), look_at_precision(look), look_at_levels(look);
    look_at_order(look), look_at_pairs(look), look_at_relations(look), look_at_rows(look);
    return suspects_of(look);
  }
};

std::string shown(const std::vector<Suspect>& suspects) {
  std::string out;
  for (const auto& suspect : suspects) {
    out += fmt::format("{} {} {:.2f}\n", fmt::join(suspect.columns, ","), suspect.change, suspect.strength);
    for (const auto& one : suspect.evidence) out += fmt::format("  {} {:.2f} {}\n", one.kind, one.ratio(), one.text);
  }
  return out;
}

void expect_blamed(const std::vector<Suspect>& suspects, const std::vector<std::string>& columns,
                   const std::string& change) {
  ASSERT_FALSE(suspects.empty());
  EXPECT_EQ(suspects[0].columns, columns) << shown(suspects);
  EXPECT_EQ(suspects[0].change, change) << shown(suspects);
  EXPECT_GT(suspects[0].strength, 0.6) << shown(suspects);
}

TEST(Cause, a_quiet_batch_in_a_changing_season_has_no_strong_suspect) {
  for (const auto& suspect : Station().suspects()) EXPECT_LT(suspect.strength, 0.6) << shown({suspect});
}

TEST(Cause, another_unit_is_named_with_its_scale_and_offset) {
  Station station;
  const auto celsius = [](double value) { return std::round((value - 32) / 1.8 * 10) / 10; };
  station.change(station.warm, celsius);
  station.change(station.dew, celsius);
  const auto suspects = station.suspects();
  ASSERT_FALSE(suspects.empty());
  EXPECT_EQ(std::set<std::string>(suspects[0].columns.begin(), suspects[0].columns.end()),
            (std::set<std::string>{"warm", "dew"}))
      << shown(suspects);
  EXPECT_EQ(suspects[0].change, "unit") << shown(suspects);
  EXPECT_NE(shown(suspects).find("0.556 x - 17.8 of what was before (Fahrenheit to Celsius)"), std::string::npos)
      << shown(suspects);
}

TEST(Cause, missing_values_are_named) {
  Station station;
  size_t n = 0;
  station.change(station.damp, [&](double value) { return n++ % 3 == 0 ? kNone : value; });
  expect_blamed(station.suspects(), {"damp"}, "missing");
}

TEST(Cause, a_default_in_place_of_values_is_named) {
  Station station;
  size_t n = 0;
  station.change(station.wind, [&](double value) { return n++ % 3 == 0 ? 0.0 : value; });
  expect_blamed(station.suspects(), {"wind"}, "default");
}

TEST(Cause, values_in_the_wrong_rows_break_the_relations_of_their_column) {
  Station station;
  std::vector<double> values;
  for (size_t r = 0; r < station.frame.rows(); ++r)
    if (station.is_suspect(r)) values.push_back(station.dew.numbers[r]);
  size_t n = 0;
  station.change(station.dew, [&](double) { return values[n++ * 311 % values.size()]; });
  expect_blamed(station.suspects(), {"dew"}, "order");
}

TEST(Cause, columns_that_changed_places_are_both_blamed) {
  Station station;
  for (size_t r = 0; r < station.frame.rows(); ++r)
    if (station.is_suspect(r)) std::swap(station.warm.numbers[r], station.wind.numbers[r]);
  const auto suspects = station.suspects();
  ASSERT_FALSE(suspects.empty());
  EXPECT_EQ(std::set<std::string>(suspects[0].columns.begin(), suspects[0].columns.end()),
            (std::set<std::string>{"warm", "wind"}))
      << shown(suspects);
  EXPECT_EQ(suspects[0].change, "swap") << shown(suspects);
}

TEST(Cause, another_code_for_the_same_thing_is_named_with_both) {
  Station station;
  for (size_t r = 0; r < station.frame.rows(); ++r)
    if (station.is_suspect(r) && station.sites[r] == "west") station.sites[r] = "W";
  const auto suspects = station.suspects();
  expect_blamed(suspects, {"site"}, "recode");
  EXPECT_NE(shown(suspects).find("site = west is gone"), std::string::npos) << shown(suspects);
}

TEST(Cause, fewer_digits_are_named) {
  Station station;
  station.change(station.warm, [](double value) { return std::round(value / 5) * 5; });
  expect_blamed(station.suspects(), {"warm"}, "precision");
}

TEST(Cause, a_column_whose_values_are_masked_keeps_them_out_of_the_text) {
  Station station;
  station.site.masked = true;
  for (size_t r = 0; r < station.frame.rows(); ++r)
    if (station.is_suspect(r) && station.sites[r] == "west") station.sites[r] = "secret";
  const auto suspects = station.suspects();
  ASSERT_FALSE(suspects.empty());
  EXPECT_EQ(shown(suspects).find("secret"), std::string::npos) << shown(suspects);
}

TEST(Cause, degenerate_frames_give_no_suspects) {
  Frame frame{.dataset = "x", .batches = {DatasetVersion{}, DatasetVersion{}, DatasetVersion{}}, .suspect = 2};
  for (uint8_t b = 0; b < 3; ++b)
    for (int i = 0; i < 3; ++i) frame.batch.push_back(b), frame.day.push_back(b);
  FrameColumn empty{.name = "empty", .number = true}, wild{.name = "wild", .number = true};
  empty.numbers.assign(9, kNone);
  wild.numbers = {INFINITY, -INFINITY, kNone, 1, 1e308, -1e308, kNone, INFINITY, 0};
  frame.columns = {empty, wild};
  finish_frame(frame);
  Look look(frame);
  look_at_nulls(look), look_at_values(look), look_at_slices(look), look_at_precision(look), look_at_levels(look);
  look_at_order(look), look_at_pairs(look), look_at_relations(look), look_at_rows(look);
  for (const auto& one : look.evidence) EXPECT_TRUE(std::isfinite(one.limit)) << one.text;
}

TEST(Cause, a_frame_of_more_batches_than_the_bound_is_refused) {
  millrace::testing::Store store;
  const auto blobs = std::move(*store::open_file_blobs(store.folder / "blobs", store.world.context));
  FrameRequest request{.batches = std::vector<DatasetVersion>(kFrameBatches + 1), .suspect = 1};
  EXPECT_EQ(read_frame(testing::engines(), *blobs, request).error().message(), "61 batches are not between 1 and 60");
}

TEST(Cause, rows_beyond_the_bound_are_thinned_evenly_and_those_set_aside_count) {
  millrace::testing::Store store;
  const auto blobs = std::move(*store::open_file_blobs(store.folder / "blobs", store.world.context));
  const auto put = [&](const std::string& name, const std::string& select) {
    auto session = testing::engines().open({.writable = {store.folder.path()}});
    const auto path = store.folder / name;
    EXPECT_TRUE((*session)->execute(fmt::format("COPY ({}) TO '{}' (FORMAT parquet)", select, path)).ok());
    return *blobs->put_file(path);
  };
  DatasetVersion version{.dataset = "t", .version = 1, .rows = static_cast<int64_t>(2 * kFrameRows)};
  version.file = put("accepted.parquet",
                     "SELECT make_timestamp(i * 3600000000) AS at, i * 1.0 AS x, 'a' AS s FROM range(100) r(i)");
  version.quarantine_file =
      put("quarantine.parquet", "SELECT 1 AS millrace_row, 'bad' AS at, '7' AS x, 'b' AS s FROM range(10)");
  const auto frame = read_frame(testing::engines(), *blobs, {.event_time = "at", .batches = {version}});
  ASSERT_TRUE(frame.ok()) << frame.error().text();
  EXPECT_EQ(frame->step, 2);
  EXPECT_EQ(frame->rows(), 55u);
  ASSERT_NE(frame->find("x"), nullptr);
  EXPECT_EQ(frame->find("s")->texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(frame->find("millrace_row"), nullptr);
}

}  // namespace
}  // namespace millrace::data::cause
