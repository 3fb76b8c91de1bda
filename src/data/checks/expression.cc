#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

// The line end closes a comment at the end of the text. The plan has parsed exactly this form before
// (data/expression.h).
std::string violation(const Rule& rule, const ScanColumns&) {
  return fmt::format("(NOT ({}\n))", string_or(rule.parameters, "expression", ""));
}

}  // namespace

CheckKind expression() {
  return {
      .name = "expression",
      .summary = "a condition between the columns of a row holds; like an SQL CHECK, NULL does not break it",
      .custom = true,
      .parameters = {{"expression", Parameter::Form::text, true, "one SQL condition over the row's columns"},
                     {"columns", Parameter::Form::columns, false, "the columns that it is about; shown in examples"},
                     {"between", Parameter::Form::numbers, false,
                      "lowest and highest share of rows that may break it; [0, 0] if left out"}},
      .runs_on = {"duckdb"},
      .aggregates = count_violations,
      .finish = finish_count,
      .violation = violation};
}

}  // namespace millrace::data
