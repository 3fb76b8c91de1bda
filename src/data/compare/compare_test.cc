// A reference, good batches and broken ones, made by hand. bench/detect measures more of them on real tables.
#include <gtest/gtest.h>

#include <cmath>

#include <fmt/format.h>

#include "core/clock.h"
#include "data/compare/compare.h"
#include "data/testing.h"

namespace millrace::data::compare {
namespace {

constexpr int kRows = 3000;

// Readings of four sites, one an hour: warmth with a day's course, dew below it, a code that follows from the site.
struct Row {
  int64_t hour = 0;
  std::string site, code;
  double warm = 0, dew = 0;
  std::string note;
};

std::vector<Row> readings(uint64_t seed, int64_t first_hour, int rows = kRows) {
  SeededRandom random{seed};
  const auto chance = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53; };
  constexpr const char* kSites[] = {"north", "south", "east", "west"};
  std::vector<Row> out;
  double weather = 0;
  for (int i = 0; i < rows; ++i) {
    if (i % 96 == 0) weather = 0.6 * weather + 4 * (chance() - 0.5);
    const int64_t hour = first_hour + i / 4;
    const auto site = static_cast<size_t>(i % 4);
    const double warm = 20 + weather + 5 * std::sin(static_cast<double>(hour % 24) / 24 * 6.283) + chance();
    out.push_back({hour, kSites[site], fmt::format("C{}", site), warm, warm - 3 - 4 * chance(),
                   fmt::format("ok {}", static_cast<char>('a' + i % 20))});
  }
  return out;
}

std::string csv(const std::vector<Row>& rows) {
  std::string out = "at,site,code,warm,dew,note\n";
  for (const auto& row : rows)
    out += fmt::format("{},{},{},{:.2f},{:.2f},{}\n", to_iso(row.hour * 3'600'000'000), row.site, row.code, row.warm,
                       row.dew, row.note);
  return out;
}

constexpr int64_t kJune = 412'000;  // hours since 1970: the clocks are not changed near it

std::vector<Alert> alerts(const std::vector<Row>& batch) {
  millrace::testing::Folder folder;
  auto session = testing::engines().open({.readable = {folder.path()}});
  CompareRequest request;
  for (const auto& [rows, into] :
       {std::pair(readings(1, kJune), &request.reference), std::pair(batch, &request.batch)}) {
    auto file = inspect_file(
        **session, testing::write(folder, into == &request.batch ? "batch.csv" : "reference.csv", csv(rows)), "rows");
    EXPECT_TRUE(file.ok());
    into->push_back(*file);
  }
  auto found = compare_files(**session, request);
  EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().text());
  return found->alerts;
}

std::vector<Row> later() { return readings(2, kJune + kRows / 4); }

std::string first(const std::vector<Alert>& found) {
  if (found.empty()) return "none";
  return fmt::format("{} {}{}", found[0].check, found[0].columns.empty() ? "rows" : found[0].columns[0],
                     found[0].slice ? fmt::format(" {}={}", found[0].slice->column, found[0].slice->value) : "");
}

TEST(Compare, good_batches_raise_nothing) {
  EXPECT_EQ(first(alerts(later())), "none");
  auto shuffled = later();
  for (size_t i = 0; i < shuffled.size(); ++i) std::swap(shuffled[i], shuffled[(i * 7919) % shuffled.size()]);
  EXPECT_EQ(first(alerts(shuffled)), "none");
  EXPECT_EQ(first(alerts(readings(3, kJune + kRows / 4, 400))), "none");
}

TEST(Compare, another_unit_in_one_slice_names_the_slice) {
  auto batch = later();
  for (auto& row : batch)
    if (row.site == "east") row.warm = row.warm * 1.8 + 32;
  const auto found = alerts(batch);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].columns[0], "warm");
  ASSERT_TRUE(found[0].slice);
  EXPECT_TRUE(found[0].slice->value == "east" || found[0].slice->value == "C2") << found[0].slice->value;
  EXPECT_FALSE(found[0].signals[0].text.empty());
}

TEST(Compare, a_column_that_slipped_by_rows_is_named_with_how_far) {
  auto batch = later();
  for (size_t i = batch.size() - 1; i > 0; --i) batch[i].code = batch[i - 1].code;
  const auto found = alerts(batch);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].check, "misaligned");
  EXPECT_TRUE(found[0].columns[0] == "code" || found[0].columns[0] == "site") << found[0].columns[0];
}

TEST(Compare, swapped_columns_are_one_alert) {
  auto batch = later();
  for (auto& row : batch) std::swap(row.warm, row.dew);
  const auto found = alerts(batch);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].check, "swapped");
  EXPECT_EQ(found[0].columns.size(), 2U);
}

TEST(Compare, one_per_cent_of_damaged_texts_is_found_with_examples) {
  auto batch = later();
  for (size_t i = 0; i < batch.size(); i += 100) batch[i].note = "ok \u00c3\u00a9";
  const auto found = alerts(batch);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].columns[0], "note");
  EXPECT_EQ(found[0].check, "encoding");
  EXPECT_FALSE(found[0].signals[0].rows.empty());
}

TEST(Compare, a_new_default_value_and_missing_values_are_found) {
  auto batch = later();
  for (size_t i = 0; i < batch.size(); i += 30) batch[i].dew = -999;
  const auto found = alerts(batch);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].columns[0], "dew");
}

TEST(Compare, a_copy_of_the_reference_is_stale_and_its_rows_in_another_order_are_not) {
  EXPECT_EQ(first(alerts(readings(1, kJune))), "stale rows");
  auto moved = readings(1, kJune + kRows / 4);
  EXPECT_EQ(first(alerts(moved)), "stale rows");  // the same values under a later time
  auto shuffled = readings(1, kJune);
  for (size_t i = 0; i < shuffled.size(); ++i) std::swap(shuffled[i], shuffled[(i * 7919) % shuffled.size()]);
  EXPECT_EQ(first(alerts(shuffled)), "none");
}

TEST(Compare, a_missing_column_comes_first) {
  millrace::testing::Folder folder;
  auto session = testing::engines().open({.readable = {folder.path()}});
  CompareRequest request;
  request.reference.push_back(*inspect_file(**session, testing::write(folder, "a.csv", "x,y\n1,2\n"), "a"));
  request.batch.push_back(*inspect_file(**session, testing::write(folder, "b.csv", "x,z\n1,2\n"), "b"));
  const auto found = compare_files(**session, request);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(first(found->alerts), "columns y");
  EXPECT_EQ(found->alerts.size(), 2U);
}

}  // namespace
}  // namespace millrace::data::compare
