#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/evaluator.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  return fmt::format("(NOT {})", scan.condition(string_or(rule.parameters, "expression", "")));
}

class Condition final : public RowTest {
 public:
  explicit Condition(std::unique_ptr<const RowExpression> holds) : holds_(std::move(holds)) {}
  unsigned ask(Row row) const override {
    bool failed = false;
    const auto truth = truth_of(holds_->of(row, failed));
    return failed ? kFailed : truth == Truth::no ? 1 : 0;
  }

 private:
  std::unique_ptr<const RowExpression> holds_;
};

Result<std::unique_ptr<const RowTest>> row_test(const Rule& rule, const RowColumns& columns) {
  MILLRACE_TRY(auto holds, columns.condition(rule, "expression"));
  return std::unique_ptr<const RowTest>(std::make_unique<const Condition>(std::move(holds)));
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
      .runs_on = {"duckdb", "spark", "row"},
      .by_slice = true,
      .aggregates = count_violations,
      .finish = finish_count,
      .violation = violation,
      .row_test = row_test};
}

}  // namespace millrace::data
