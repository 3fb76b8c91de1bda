#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& property = scan.property(rule.columns[0]);
  const auto value = scan.value(rule.columns[0]);
  if (property.type == LogicalType::integer) return fmt::format("({} % {} <> 0)", value, property.multiple_of->integer);
  const auto& dialect = scan.dialect();
  const auto of = dialect.literal(static_cast<double>(property.multiple_of->integer));
  return fmt::format("(NOT {} OR {} <> 0)", dialect.is_finite(value), dialect.remainder(value, of));
}

}  // namespace

CheckKind multiple() {
  return {.name = "multiple",
          .summary = "every value is a whole multiple of multipleOf",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation};
}

}  // namespace millrace::data
