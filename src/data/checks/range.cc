#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& property = scan.property(rule.columns[0]);
  const auto value = scan.value(rule.columns[0]);
  std::vector<std::string> outside;
  if (property.minimum)
    outside.push_back(fmt::format("{} {} {}", value, property.minimum->open ? "<=" : "<",
                                  literal(scan, property.name, *property.minimum)));
  if (property.maximum)
    outside.push_back(fmt::format("{} {} {}", value, property.maximum->open ? ">=" : ">",
                                  literal(scan, property.name, *property.maximum)));
  // NaN sorts above all numbers in SQL and would pass a lone minimum.
  if (property.type == LogicalType::number && !property.maximum) outside.push_back(scan.dialect().is_nan(value));
  return fmt::format("({})", fmt::join(outside, " OR "));
}

}  // namespace

CheckKind range() {
  return {.name = "range",
          .summary = "every value lies between minimum and maximum; NaN lies in no range",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation};
}

}  // namespace millrace::data
