#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& column = rule.columns[0];
  // A value of a wrong type is there; it is counted by `type`.
  return "(" + scan.value(column) + " IS NULL AND NOT " + scan.wrong_type(column) + ")";
}

class Required final : public ValueTest {
 public:
  bool breaks(const Cell& typed) const override { return typed.kind == Cell::Kind::null; }
  std::string message(const Cell&) const override { return "a value is required"; }
};

Result<std::unique_ptr<const ValueTest>> value_test(const Rule&, const RowColumns&) {
  return std::unique_ptr<const ValueTest>(std::make_unique<const Required>());
}

}  // namespace

CheckKind required() {
  return {.name = "required",
          .summary = "every row has a value",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation,
          .value_test = value_test};
}

}  // namespace millrace::data
