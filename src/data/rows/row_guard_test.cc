#include "data/rows/row_guard.h"

#include <cmath>
#include <map>

#include <fmt/format.h>

#include "data/testing.h"

namespace millrace::data {
namespace {

constexpr auto kObject = R"(properties:
  - {name: i, logicalType: integer, required: true, logicalTypeOptions: {minimum: -5, exclusiveMaximum: 40, multipleOf: 3}}
  - {name: f, logicalType: number, logicalTypeOptions: {minimum: -1.5, maximum: 2.5}}
  - {name: g, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0}}
  - {name: s, logicalType: string, required: true, logicalTypeOptions: {minLength: 1, maxLength: 3, pattern: '^[a-cä]'}}
  - {name: k, logicalType: integer, quality: [{metric: invalidValues, arguments: {validValues: [1, 2, 3]}, mustBe: 0}]}
  - {name: c, logicalType: string, quality: [{metric: invalidValues, arguments: {validValues: [AA, B6]}, mustBe: 0}]}
  - {name: b, logicalType: boolean}
  - {name: h, logicalType: integer}
)";

RowGuard guard_of(const std::string& object) {
  auto contract = parse_contract(testing::contract_text(object), "contract.yaml");
  EXPECT_TRUE(contract.ok()) << (contract.ok() ? "" : contract.error().text());
  auto guard = RowGuard::make(*contract, "");
  EXPECT_TRUE(guard.ok()) << (guard.ok() ? "" : guard.error().text());
  return std::move(*guard);
}

// One value as it stands in a CSV file, and as a request would carry it.
struct Value {
  std::string csv;
  Cell cell;
};

const std::vector<Value>& numbers() {
  static const std::vector<Value> values{{"", {}},
                                         {"0", Cell::of(int64_t{0})},
                                         {"3", Cell::of(int64_t{3})},
                                         {"-6", Cell::of(int64_t{-6})},
                                         {"39", Cell::of(int64_t{39})},
                                         {"40", Cell::of(int64_t{40})},
                                         {"1.5", Cell::of(1.5)},
                                         {"2.0", Cell::of(2.0)},
                                         {"-1.5", Cell::of(-1.5)},
                                         {"2.5000001", Cell::of(2.5000001)},
                                         {"nan", Cell::of(std::nan(""))},
                                         {"inf", Cell::of(HUGE_VAL)},
                                         {"-inf", Cell::of(-HUGE_VAL)},
                                         {"abc", Cell::of("abc")},
                                         {"9223372036854775807", Cell::of(INT64_MAX)}};
  return values;
}
const std::vector<Value>& texts() {
  static const std::vector<Value> values{{"", {}},
                                         {"a", Cell::of("a")},
                                         {"äöü", Cell::of("äöü")},
                                         {"äöüß", Cell::of("äöüß")},
                                         {"z", Cell::of("z")},
                                         {"abcd", Cell::of("abcd")},
                                         {"AA", Cell::of("AA")},
                                         {"B6", Cell::of("B6")},
                                         {"aa", Cell::of("aa")}};
  return values;
}
const std::vector<Value>& booleans() {
  static const std::vector<Value> values{
      {"", {}}, {"true", Cell::of_boolean(true)}, {"false", Cell::of_boolean(false)}, {"maybe", Cell::of("maybe")}};
  return values;
}

TEST(RowGuard, its_verdicts_are_those_of_the_sql_executor_on_random_rows) {
  const auto guard = guard_of(kObject);
  SeededRandom random(7);
  std::string csv = "i,f,g,s,k,c,b,h\n";
  std::map<std::string, int64_t> counts;
  int64_t bad_rows = 0;
  constexpr int kRows = 3000;
  for (int row = 0; row < kRows; ++row) {
    bool bad = false;
    for (size_t field = 0; field < guard.fields().size(); ++field) {
      const auto type = guard.fields()[field].type;
      const auto& from = type == LogicalType::string ? texts() : type == LogicalType::boolean ? booleans() : numbers();
      const auto& value = from[random.next() % from.size()];
      csv += (field == 0 ? "" : ",") + value.csv;
      if (const auto violation = guard.check(field, value.cell)) ++counts[violation->rule], bad = true;
    }
    csv += "\n";
    bad_rows += bad ? 1 : 0;
  }
  testing::Trial trial;
  const auto report = trial.run(kObject, csv);
  ASSERT_TRUE(report.ok()) << report.error().text();
  EXPECT_EQ(report->quarantined, bad_rows);
  EXPECT_GT(bad_rows, 100);
  // A value that breaks several rules is refused by the first; with one rule a field the counts are exactly those of
  // SQL.
  for (const auto* rule : {"i.required", "i.type", "i.range", "f.type", "f.range", "g.type", "g.range", "s.required",
                           "s.length", "k.type", "k.set", "c.set", "b.type", "h.type"}) {
    const auto* finding = testing::find_rule(*report, rule);
    ASSERT_NE(finding, nullptr) << rule;
    EXPECT_EQ(finding->failing, counts[rule]) << rule;
  }
}

TEST(RowGuard, names_field_rule_and_value) {
  const auto guard = guard_of(
      "properties: [{name: month, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1, maximum: "
      "12}}]");
  const auto violation = guard.check(0, Cell::of(int64_t{13}));
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->field, "month");
  EXPECT_EQ(violation->rule, "month.range");
  EXPECT_EQ(violation->message, "the value must be at least 1 and at most 12");
  EXPECT_EQ(violation->value, "13");
  EXPECT_EQ(guard.check(0, {})->rule, "month.required");
  EXPECT_FALSE(guard.check(0, Cell::of(int64_t{12})));
  EXPECT_EQ(guard.find("month"), 0u);
  EXPECT_FALSE(guard.find("mont"));
}

TEST(RowGuard, hides_values_of_classified_fields) {
  const auto guard = guard_of(
      "properties: [{name: a, logicalType: string, classification: restricted, logicalTypeOptions: {maxLength: 2}}]");
  EXPECT_EQ(guard.check(0, Cell::of("secret"))->value, "(masked)");
}

TEST(RowGuard, refuses_what_a_request_cannot_carry) {
  const auto contract =
      parse_contract(testing::contract_text("properties: [{name: t, logicalType: timestamp}]"), "c.yaml");
  const auto guard = RowGuard::make(*contract, "");
  ASSERT_FALSE(guard.ok());
  EXPECT_EQ(guard.error().code(), Code::unsupported);
}

TEST(RowGuard, reads_the_contract_of_the_flights_model) {
  const auto contract = load_contract(testing::source_root() + "/examples/flights/contracts/late_request.odcs.yaml");
  ASSERT_TRUE(contract.ok()) << contract.error().text();
  const auto guard = RowGuard::make(*contract, "");
  ASSERT_TRUE(guard.ok()) << guard.error().text();
  EXPECT_EQ(guard->fields().size(), contract->objects[0].properties.size());
  EXPECT_EQ(guard->check(*guard->find("origin"), Cell::of("BOS"))->rule, "origin.set");
}

}  // namespace
}  // namespace millrace::data
