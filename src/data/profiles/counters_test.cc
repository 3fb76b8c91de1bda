#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "data/profiles/key_counter.h"
#include "data/profiles/number_counter.h"
#include "data/profiles/profile_queries.h"
#include "data/profiles/profile_scan.h"
#include "data/profiles/text_counter.h"
#include "data/testing.h"

namespace millrace::data {
namespace {

constexpr std::array kShares{0.0, 0.1, 0.5, 1.0};

TEST(NumberCounter, near_whole_numbers_are_counted_one_by_one) {
  NumberCounter counter(true, {0.5, 10.5, 20.5});
  for (int64_t i = 30; i > 0; --i) counter.add(i), counter.add(i - 15);
  const auto found = counter.totals(kShares);
  EXPECT_EQ(found.finite, 60);
  EXPECT_EQ(found.minimum, -14);
  EXPECT_EQ(found.maximum, 30);
  EXPECT_EQ(found.sum, 465 + 15);
  EXPECT_EQ(found.distinct, 45);
  EXPECT_EQ(found.distinct_error, 0);
  EXPECT_EQ(found.quantile_error, 0);
  EXPECT_EQ(found.bins, (std::vector<int64_t>{15, 20, 15, 10}));
  EXPECT_EQ(found.quantiles, (std::vector<double>{-14, -9, 8, 30}));
}

TEST(NumberCounter, the_ends_of_64_bits_are_counted) {
  constexpr auto kLow = std::numeric_limits<int64_t>::min(), kHigh = std::numeric_limits<int64_t>::max();
  for (const bool near_first : {false, true}) {
    NumberCounter counter(true, {0});
    if (near_first) counter.add(int64_t{7});
    counter.add(kHigh), counter.add(kLow), counter.add(kHigh), counter.add(int64_t{1} << 62), counter.add(int64_t{2});
    if (!near_first) counter.add(int64_t{7});
    const auto found = counter.totals(kShares);
    EXPECT_EQ(found.finite, 6);
    EXPECT_EQ(found.distinct, 5);
    EXPECT_EQ(found.sum, static_cast<double>((__int128{1} << 63) + (__int128{1} << 62) + 7));
    EXPECT_EQ(found.minimum, -0x1p63);
    EXPECT_EQ(found.bins, (std::vector<int64_t>{1, 5}));
  }
}

TEST(NumberCounter, doubles_go_from_counts_to_sketches_without_losing_any) {
  NumberCounter counter(false, {0, 1, 2});
  for (const double value : {1.0, 1.0, 2.0, -0.0, 0.0}) counter.add(value);
  for (const double value : {1.5, HUGE_VAL, -HUGE_VAL, std::nan(""), 1e300, -1e300}) counter.add(value);
  const auto found = counter.totals(kShares);
  EXPECT_EQ(found.finite, 8);
  EXPECT_EQ(found.nan, 1);
  EXPECT_EQ(found.infinite, 2);
  EXPECT_EQ(found.sum, 5.5);
  EXPECT_EQ(found.distinct, 9);
  EXPECT_EQ(found.bins, (std::vector<int64_t>{4, 2, 2, 2}));
  EXPECT_EQ(found.maximum, 1e300);
}

TEST(TextCounter, counts_few_and_estimates_many) {
  TextCounter counter;
  EXPECT_EQ(counter.shortest(), -1);
  for (const char* text : {"é", "b", "é", "", "b", "abc"}) counter.add(text);
  EXPECT_EQ(counter.distinct(), 4);
  EXPECT_EQ(counter.longest(), 3);
  EXPECT_EQ(counter.shortest(), 0);
  EXPECT_EQ(counter.top(2), (std::vector<std::pair<std::string, int64_t>>{{"b", 2}, {"é", 2}}));
  for (int i = 0; i < 30'000; ++i) counter.add(fmt::format("text {}", i));
  EXPECT_GT(counter.distinct_error(), 0);
  EXPECT_NEAR(static_cast<double>(counter.distinct()), 30'004, 4 * counter.distinct_error() * 30'000);
  EXPECT_TRUE(counter.top(2).empty());
  EXPECT_EQ(counter.longest(), 10);
}

TEST(KeyCounter, names_what_stands_again) {
  KeyCounter counter;
  for (uint64_t i = 0; i < 100'000; ++i) counter.add(stats::mix(i));
  counter.add(stats::mix(5)), counter.add(stats::mix(5)), counter.add(stats::mix(70'000));
  auto found = counter.repeated();
  ASSERT_TRUE(found);
  std::sort(found->begin(), found->end());
  std::vector<uint64_t> expected{stats::mix(5), stats::mix(70'000)};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(*found, expected);
}

TEST(KeyCounter, gives_up_when_too_many_stand_again) {
  KeyCounter counter;
  for (uint64_t i = 0; i < 2 * (KeyCounter::kRepeated + 1); ++i) counter.add(stats::mix(i / 2));
  EXPECT_FALSE(counter.repeated());
}

// The two ways to a profile on one engine.
class Profiles {
 public:
  Profiles(const std::string& object, const std::string& csv)
      : contract_(*parse_contract(testing::contract_text(object), "c.yaml")),
        session_(*testing::engines().open({.readable = {folder_.path()}})),
        plan_(*session_, *session_, contract_.objects[0], no_rules_) {
    const auto problems = plan_.match({testing::write(folder_, "rows.csv", csv)}, {});
    EXPECT_TRUE(problems.ok() && problems->empty()) << (problems.ok() ? "" : problems.error().text());
    EXPECT_TRUE(plan_.prepare({}).ok());
    edges_ = *choose_edges(plan_, contract_.objects[0], Json());
  }
  template <class Way>
  Json of() {
    Way way(plan_, contract_.objects[0], edges_);
    const auto answer = plan_.query(fmt::format("SELECT {} {}", fmt::join(way.aggregates(), ", "), plan_.relation()));
    EXPECT_TRUE(answer.ok()) << answer.error().text();
    BatchScan rows;
    way.add_to(rows);
    EXPECT_TRUE(plan_.scan(rows).ok());
    return way.finish(*answer, 0)->to_json();
  }

  int64_t distinct(const std::string& column) {
    return plan_.query(fmt::format("SELECT count(DISTINCT {}) FROM millrace_batch", plan_.value(column)))
        ->integer(0, 0);
  }

 private:
  millrace::testing::Folder folder_;
  Contract contract_;
  std::vector<Rule> no_rules_;
  std::unique_ptr<engine::Engine> session_;
  Plan plan_;
  ProfileEdges edges_;
};

TEST(ProfileScan, tells_what_the_engine_tells) {
  SeededRandom random(11);
  const std::vector<std::string> numbers{"", "0", "-0.0", "1.5", "nan", "inf", "-inf", "1e300", "bad", "3", "-7.25"};
  const std::vector<std::string> wholes{"",  "0",    "3", "-5", "9223372036854775807", "-9223372036854775808",
                                        "x", "70000"};
  const std::vector<std::string> times{"",           "2013-01-31", "1969-12-31T23:59:59.999999Z",
                                       "0001-01-01", "9999-12-31", "no"};
  const std::vector<std::string> texts{"", "a", "é", "\"two\nlines\"", "\U0001F600", "zz"};
  std::string csv = "num,whole,year,at,word,flag,clock,real,none\n";
  for (int row = 0; row < 5'000; ++row) {
    const auto any = [&](const auto& from) { return from[random.next() % from.size()]; };
    csv += fmt::format("{},{},{},{},{},{},{},{},\n", any(numbers), any(wholes), 2013 + random.next() % 9, any(times),
                       any(texts), any(std::vector<std::string>{"", "true", "false", "maybe"}),
                       any(std::vector<std::string>{"", "05:00", "23:59:59.5", "24:00"}),
                       static_cast<double>(random.next() % 100'000) / 7);
  }
  Profiles profiles(
      "properties: [{name: num, logicalType: number}, {name: whole, logicalType: integer}, {name: year, logicalType: "
      "integer, "
      "logicalTypeOptions: "
      "{minimum: 2013, maximum: 2020}}, {name: at, logicalType: timestamp}, {name: word, logicalType: string}, {name: "
      "flag, "
      "logicalType: boolean}, "
      "{name: clock, logicalType: time}, {name: real, logicalType: number}, {name: none, logicalType: number}]",
      csv);
  auto scanned = profiles.of<ProfileScan>(), asked = profiles.of<ProfileQueries>();
  for (auto& [name, column] : asked["columns"].items()) {
    auto& ours = scanned["columns"][name];
    EXPECT_EQ(ours["distinct"]["value"], profiles.distinct(name)) << name;
    EXPECT_EQ(ours["distinct"]["error"], 0) << name;
    ours.erase("distinct"), column.erase("distinct");
    for (const char* sum : {"sum", "sum_of_squares"}) {
      if (!column.contains(sum) || !std::isnormal(column[sum].get<double>())) continue;
      EXPECT_NEAR(ours[sum].get<double>() / column[sum].get<double>(), 1, 1e-9) << name << sum;
      ours.erase(sum), column.erase(sum);
    }
    if (!column.contains("quantiles")) continue;
    // Once values were left out ranks may be off; these are few, or far apart.
    EXPECT_EQ(ours["quantiles"]["error"], name == "year" ? 0 : stats::QuantileSketch::kRankError) << name;
    if (name == "real") ours["quantiles"].erase("values"), column["quantiles"].erase("values");
    ours["quantiles"].erase("error"), column["quantiles"].erase("error");
  }
  EXPECT_EQ(scanned, asked);
}

}  // namespace
}  // namespace millrace::data
