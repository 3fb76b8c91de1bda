#include <fmt/format.h>

#include "data/checks/check_kind.h"

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
          .violation = violation};
}

}  // namespace millrace::data
