#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& property = scan.property(rule.columns[0]);
  const auto value = scan.value(rule.columns[0]);
  if (property.type == LogicalType::integer) return fmt::format("({} % {} <> 0)", value, property.multiple_of->integer);
  return fmt::format("(NOT isfinite({0}) OR fmod({0}, {1}) <> 0)", value, property.multiple_of->integer);
}

}  // namespace

CheckKind multiple() {
  return {.name = "multiple",
          .summary = "every value is a whole multiple of multipleOf",
          .runs_on = {"duckdb", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation};
}

}  // namespace millrace::data
