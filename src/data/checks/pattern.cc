#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  return fmt::format("(NOT {})",
                     scan.dialect().contains(scan.value(rule.columns[0]), string_or(rule.parameters, "pattern", "")));
}

}  // namespace

CheckKind pattern() {
  return {.name = "pattern",
          .summary = "the pattern (RE2) is found in every text; anchor it with ^ and $ to match all of it",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation};
}

}  // namespace millrace::data
