#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) { return scan.wrong_type(rule.columns[0]); }

}  // namespace

CheckKind type() {
  return {.name = "type",
          .summary = "every value reads as the property's logicalType",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation};
}

}  // namespace millrace::data
