#include "data/contracts/contract_diff.h"

#include "data/testing.h"

namespace millrace::data {
namespace {

// "what column R-W" of each change: R when it breaks readers, W writers.
std::vector<std::string> changes(const std::string& before, const std::string& after) {
  const auto a = parse_contract(testing::contract_text(before), "a"),
             b = parse_contract(testing::contract_text(after), "b");
  EXPECT_TRUE(a.ok()) << a.error().text();
  EXPECT_TRUE(b.ok()) << b.error().text();
  const auto diff = compare_contracts(*a, *b);
  EXPECT_TRUE(diff.ok());
  std::vector<std::string> out;
  for (const auto& change : diff->changes)
    out.push_back(fmt::format("{} {} {}{}", change.what, change.column, change.breaks_readers ? "R" : "-",
                              change.breaks_writers ? "W" : "-"));
  return out;
}
std::string columns(const std::string& properties) { return "properties: [" + properties + "]"; }
std::string options(const std::string& type, const std::string& more) {
  return columns("{name: a, logicalType: " + type + ", logicalTypeOptions: {" + more + "}}");
}

using Texts = std::vector<std::string>;

TEST(ContractDiff, columns_that_go_come_and_change_their_name) {
  EXPECT_EQ(changes(columns("{name: a}, {name: b}"), columns("{name: a}, {name: b}")), Texts{});
  EXPECT_EQ(changes(columns("{name: a}, {name: b}"), columns("{name: a}, {name: c}")),
            (Texts{"column.removed b RW", "column.added c -W"}));
  EXPECT_EQ(changes(columns("{name: b, physicalName: x}"), columns("{name: c, physicalName: x}")),
            (Texts{"column.renamed b R-"}));
  EXPECT_EQ(changes(columns("{name: b, description: miles}"), columns("{name: c, description: miles}")),
            (Texts{"column.renamed b RW"}));
}

TEST(ContractDiff, types_widen_for_writers_and_narrow_for_readers) {
  const auto typed = [](const std::string& type) { return columns("{name: a, logicalType: " + type + "}"); };
  EXPECT_EQ(changes(typed("integer"), typed("number")), (Texts{"column.type a R-"}));
  EXPECT_EQ(changes(typed("number"), typed("integer")), (Texts{"column.type a -W"}));
  EXPECT_EQ(changes(typed("string"), typed("date")), (Texts{"column.type a RW"}));
}

TEST(ContractDiff, a_promise_that_falls_breaks_readers_and_a_new_demand_writers) {
  EXPECT_EQ(changes(columns("{name: a}"), columns("{name: a, required: true}")), (Texts{"required a -W"}));
  EXPECT_EQ(changes(columns("{name: a, required: true}"), columns("{name: a}")), (Texts{"required a R-"}));
  EXPECT_EQ(changes(columns("{name: a, unique: true}"), columns("{name: a}")), (Texts{"unique a R-"}));
  EXPECT_EQ(changes(options("number", "minimum: 0, maximum: 9"), options("number", "minimum: 0, maximum: 5")),
            (Texts{"range a -W"}));
  EXPECT_EQ(changes(options("number", "minimum: 0, maximum: 9"), options("number", "minimum: 0")),
            (Texts{"range a R-"}));
  EXPECT_EQ(changes(options("number", "minimum: 0"), options("number", "exclusiveMinimum: 0")), (Texts{"range a -W"}));
  EXPECT_EQ(changes(options("integer", "minimum: 0, maximum: 9"), options("integer", "minimum: 2, maximum: 12")),
            (Texts{"range a RW"}));
  EXPECT_EQ(changes(options("date", "minimum: '2013-01-01'"), options("date", "minimum: '2014-01-01'")),
            (Texts{"range a -W"}));
  EXPECT_EQ(changes(options("string", "maxLength: 5"), options("string", "maxLength: 9")), (Texts{"length a R-"}));
  EXPECT_EQ(changes(options("string", "pattern: '^a'"), options("string", "pattern: '^b'")), (Texts{"pattern a RW"}));
  EXPECT_EQ(changes(options("date", "format: yyyy-MM-dd"), options("date", "format: dd.MM.yyyy")),
            (Texts{"format a RW"}));
}

TEST(ContractDiff, another_unit_changes_what_every_number_means) {
  const auto unit = [](const std::string& name) {
    return columns("{name: a, logicalType: number, customProperties: [{property: unit, value: " + name + "}]}");
  };
  EXPECT_EQ(changes(unit("fahrenheit"), unit("celsius")), (Texts{"unit a RW"}));
  EXPECT_EQ(changes(columns("{name: a, logicalType: number}"), unit("celsius")), (Texts{"unit a --"}));
}

TEST(ContractDiff, rules_are_compared_by_what_they_are_about) {
  const auto set = [](const std::string& values) {
    return columns("{name: a, quality: [{metric: invalidValues, arguments: {validValues: " + values +
                   "}, mustBe: 0}]}");
  };
  EXPECT_EQ(changes(set("[x, y]"), set("[x]")), (Texts{"set a -W"}));
  EXPECT_EQ(changes(set("[x, y]"), set("[x, y, z]")), (Texts{"set a R-"}));
  EXPECT_EQ(changes(set("[x, y]"), set("[y, x]")), Texts{});
  EXPECT_EQ(changes(set("[x]"), columns("{name: a}")), (Texts{"rule.removed a R-"}));
  EXPECT_EQ(changes(columns("{name: a}"), set("[x]")), (Texts{"rule.added a -W"}));
  const auto rows = [](const std::string& limit) {
    return columns("{name: a}") + "\nquality: [{metric: rowCount, " + limit + "}]";
  };
  EXPECT_EQ(changes(rows("mustBeGreaterThan: 5"), rows("mustBeGreaterThan: 9")), (Texts{"limit  -W"}));
  EXPECT_EQ(changes(rows("mustBeGreaterThan: 5"), rows("mustBeGreaterOrEqualTo: 5")), (Texts{"limit  R-"}));
  EXPECT_EQ(changes(rows("mustNotBe: 5"), rows("mustBe: 5")), (Texts{"limit  RW"}));
  EXPECT_EQ(changes(rows("mustBe: 5, severity: warning"), rows("mustBe: 5, severity: error")),
            (Texts{"consequence  -W"}));
}

TEST(ContractDiff, keys) {
  EXPECT_EQ(changes(columns("{name: a, primaryKey: true}, {name: b}"),
                    columns("{name: a, primaryKey: true, primaryKeyPosition: 1}, {name: b, primaryKey: true, "
                            "primaryKeyPosition: 2}")),
            (Texts{"primary_key  RW"}));
}

TEST(ContractDiff, the_example_does_not_differ_from_itself) {
  for (const auto* name : {"flights", "weather", "planes", "airports", "airlines", "late_request"}) {
    const auto contract =
        load_contract(fmt::format("{}/examples/flights/contracts/{}.odcs.yaml", testing::source_root(), name));
    const auto diff = compare_contracts(*contract, *contract);
    ASSERT_TRUE(diff.ok());
    EXPECT_EQ(to_text(diff->to_json()),
              R"({"changes":[],"readers":"compatible","verdict":"same","writers":"compatible"})")
        << name;
  }
}

}  // namespace
}  // namespace millrace::data
