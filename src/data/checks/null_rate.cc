#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"
#include "data/rows/value_set.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& column = rule.columns[0];
  const auto missing = fmt::format("{} IS NULL AND NOT {}", scan.value(column), scan.wrong_type(column));
  const Json* values = find(rule.parameters, "values");
  std::vector<std::string> constants;
  if (values != nullptr)
    for (const auto& item : *values)
      if (!item.is_null()) constants.push_back(literal(scan, column, item));
  if (constants.empty()) return "(" + missing + ")";
  return fmt::format("(({}) OR {} IN ({}))", missing, scan.value(column), fmt::join(constants, ", "));
}

class Missing final : public ValueTest {
 public:
  explicit Missing(ValueSet values) : values_(std::move(values)) {}
  bool breaks(const Cell& typed) const override {
    if (typed.is_missing()) return typed.kind == Cell::Kind::null;
    return !values_.empty() && values_.has(typed);
  }
  std::string message(const Cell&) const override { return "the value is missing"; }

 private:
  ValueSet values_;
};

Result<std::unique_ptr<const ValueTest>> value_test(const Rule& rule, const RowColumns& columns) {
  const Json* values = find(rule.parameters, "values");
  MILLRACE_TRY(auto missing, ValueSet::make(rule, columns, values == nullptr ? Json::array() : *values));
  return std::unique_ptr<const ValueTest>(std::make_unique<const Missing>(std::move(missing)));
}

}  // namespace

CheckKind null_rate() {
  return {.name = "null_rate",
          .summary = "the share of rows without a value stays between two limits",
          .custom = true,
          .parameters = {{"column", Parameter::Form::column, true, "the column"},
                         {"between", Parameter::Form::numbers, true,
                          "lowest and highest share of all rows, 0 to 1, both allowed"}},
          .runs_on = {"duckdb", "spark", "row"},
          .by_slice = true,
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation,
          .value_test = value_test};
}

}  // namespace millrace::data
