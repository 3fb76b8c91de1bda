#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& property = scan.property(rule.columns[0]);
  const auto length = scan.dialect().characters(scan.value(rule.columns[0]));
  std::vector<std::string> outside;
  if (property.min_length) outside.push_back(fmt::format("{} < {}", length, *property.min_length));
  if (property.max_length) outside.push_back(fmt::format("{} > {}", length, *property.max_length));
  return fmt::format("({})", fmt::join(outside, " OR "));
}

}  // namespace

CheckKind length() {
  return {.name = "length",
          .summary = "every text has minLength to maxLength characters (Unicode code points)",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation};
}

}  // namespace millrace::data
