#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& column = rule.columns[0];
  // A value of a wrong type is there; it is counted by `type`.
  return "(" + scan.value(column) + " IS NULL AND NOT " + scan.wrong_type(column) + ")";
}

}  // namespace

CheckKind required() {
  return {.name = "required",
          .summary = "every row has a value",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation};
}

}  // namespace millrace::data
