#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  return fmt::format("(NOT {})", scan.condition(string_or(rule.parameters, "expression", "")));
}

}  // namespace

CheckKind expression() {
  return {
      .name = "expression",
      .summary = "a condition between the columns of a row holds; like an SQL CHECK, NULL does not break it",
      .custom = true,
      .parameters = {{"expression", Parameter::Form::condition, true, "one SQL condition over the row's columns"},
                     {"columns", Parameter::Form::columns, false, "the columns that it is about; shown in examples"},
                     {"between", Parameter::Form::numbers, false,
                      "lowest and highest share of rows that may break it; [0, 0] if left out"}},
      .runs_on = {"duckdb", "spark"},
      .by_slice = true,
      .aggregates = count_violations,
      .finish = finish_count,
      .violation = violation};
}

}  // namespace millrace::data
