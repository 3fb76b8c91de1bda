#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

// The plan joins the set's values as a table: a long IN list is searched from its start for every row.
std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto value = scan.value(rule.columns[0]);
  const Json& values = rule.parameters["values"];
  if (values.size() > set_inline_limit) return fmt::format("({} IS NOT NULL AND {} IS NULL)", value, scan.found(rule));
  std::vector<std::string> constants;
  for (const auto& item : values) constants.push_back(literal(scan, rule.columns[0], item));
  return constants.empty() ? fmt::format("({} IS NOT NULL)", value)
                           : fmt::format("({} NOT IN ({}))", value, fmt::join(constants, ", "));
}

}  // namespace

CheckKind set() {
  return {.name = "set",
          .summary = "every value is one of validValues",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation};
}

}  // namespace millrace::data
