// Rules that are judged by the versions before: distributions and anomalies.
#include <gtest/gtest.h>

#include <cmath>

#include <fmt/format.h>

#include "data/check.h"
#include "data/testing.h"

namespace millrace::data {
namespace {

constexpr Micros kDay = 86'400'000'000;
constexpr Micros kMonday = 19'723 * kDay;  // 2024-01-01

struct Stream {
  millrace::testing::Folder folder;
  Contract contract;
  History history;

  explicit Stream(const std::string& object) {
    auto parsed = parse_contract(testing::contract_text(object), "contract.yaml");
    EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().text());
    contract = *std::move(parsed);
  }
  // Checks one day's rows and, when `keep`, makes them part of the history.
  CheckReport day(int number, const std::string& rows, bool keep = true) {
    CheckRequest request{.contract = &contract,
                         .files = {testing::write(folder, "rows.csv", rows)},
                         .period_from = kMonday + number * kDay,
                         .period_to = kMonday + (number + 1) * kDay,
                         .profile_before = history.empty() ? Json() : *history.front().profile,
                         .history = history};
    auto session = testing::engines().open({.readable = {folder.path()}});
    auto report = check_batch(**session, request);
    EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().text());
    if (keep)
      history.push_back({request.period_from, request.period_to, request.period_to,
                         std::make_shared<const Json>(report->profile.to_json())});
    return *std::move(report);
  }
};

std::string numbers(int rows, double shift) {
  std::string out = "x\n";
  for (int i = 0; i < rows; ++i) out += fmt::format("{}\n", i % 100 + shift);
  return out;
}

TEST(Distribution, is_judged_by_the_version_before_with_effect_and_significance) {
  Stream stream(
      "properties: [{name: x, logicalType: number}]\nquality:\n"
      "  - {id: psi, type: custom, engine: millrace, implementation: {metric: distribution, column: x, between: [0, "
      "0.1]}}\n"
      "  - {id: far, type: custom, engine: millrace, implementation: {metric: distribution, column: x, statistic: "
      "wasserstein, between: [0, 5]}}\n"
      "  - {id: ks, type: custom, engine: millrace, implementation: {metric: distribution, column: x, statistic: ks, "
      "between: [0, 0.1]}}");
  EXPECT_FALSE(testing::find_rule(stream.day(0, numbers(1000, 0)), "psi")->value);
  const auto same = stream.day(1, numbers(500, 0));
  EXPECT_TRUE(same.passed());
  EXPECT_NEAR(*testing::find_rule(same, "ks")->value, 0, 1e-12);
  const auto moved = stream.day(2, numbers(1000, 20));
  EXPECT_NEAR(*testing::find_rule(moved, "ks")->value, 0.2, 0.02);
  EXPECT_LT(*testing::find_rule(moved, "ks")->p_value, 1e-6);
  EXPECT_GT(*testing::find_rule(moved, "psi")->value, 0.1);
  EXPECT_FALSE(testing::find_rule(moved, "far")->ok);
  EXPECT_NEAR(*testing::find_rule(moved, "psi")->effect, 0.2, 0.03);
}

TEST(Distribution, of_texts_compares_the_shares_of_values) {
  Stream stream(
      "properties: [{name: s, logicalType: string}]\nquality: [{id: like, type: custom, engine: millrace, "
      "implementation: "
      "{metric: distribution, column: s, statistic: l_infinity, between: [0, 0.05]}}]");
  stream.day(0, "s\na\na\nb\nb\n");
  EXPECT_NEAR(*testing::find_rule(stream.day(1, "s\na\na\na\nb\n"), "like")->value, 0.25, 1e-12);
}

// A shop that sells twice as much on Saturdays and nothing new on the other days.
std::string sales(int number, int more = 0) {
  const int rows = (number % 7 == 5 ? 80 : 40) + number * 7 % 5 + more;
  std::string out = "x\n";
  for (int i = 0; i < rows; ++i) out += fmt::format("{}\n", i);
  return out;
}

TEST(Anomaly, knows_the_day_of_the_week) {
  Stream stream(
      "properties: [{name: x, logicalType: integer}]\nquality: [{id: volume, type: custom, engine: millrace, "
      "implementation: {metric: anomaly, of: row_count}}]");
  for (int number = 0; number < 40; ++number) {
    const auto report = stream.day(number, sales(number));
    EXPECT_TRUE(testing::find_rule(report, "volume")->ok)
        << "day " << number << ": " << testing::find_rule(report, "volume")->note;
  }
  // Day 40 is a Saturday: what is usual then is an anomaly on a Sunday, and too little on a Saturday.
  EXPECT_TRUE(testing::find_rule(stream.day(40, sales(40), false), "volume")->ok);
  EXPECT_FALSE(testing::find_rule(stream.day(40, sales(40, -40), false), "volume")->ok);
  const auto sunday = stream.day(41, sales(41, 40), false);
  EXPECT_FALSE(testing::find_rule(sunday, "volume")->ok);
  EXPECT_NE(testing::find_rule(sunday, "volume")->note.find("day of the week"), std::string::npos)
      << testing::find_rule(sunday, "volume")->note;
  EXPECT_LT(*testing::find_rule(sunday, "volume")->p_value, 0.001);
}

TEST(Anomaly, a_deviation_below_the_floor_is_none) {
  Stream stream(
      "properties: [{name: x, logicalType: integer}]\nquality: [{id: volume, type: custom, engine: millrace, "
      "implementation: {metric: anomaly, of: row_count, floor: 5}}]");
  for (int number = 0; number < 10; ++number) stream.day(number, "x\n1\n2\n3\n");
  EXPECT_TRUE(testing::find_rule(stream.day(10, "x\n1\n2\n3\n4\n5\n", false), "volume")->ok);
  EXPECT_FALSE(testing::find_rule(stream.day(10, "x\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", false), "volume")->ok);
}

}  // namespace
}  // namespace millrace::data
