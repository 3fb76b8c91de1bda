#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) { return scan.wrong_type(rule.columns[0]); }

class OfType final : public ValueTest {
 public:
  explicit OfType(LogicalType type) : type_(type) {}
  bool breaks(const Cell& typed) const override { return typed.kind == Cell::Kind::wrong; }
  std::string message(const Cell&) const override { return fmt::format("the value is not of type {}", name_of(type_)); }

 private:
  LogicalType type_;
};

Result<std::unique_ptr<const ValueTest>> value_test(const Rule& rule, const RowColumns& columns) {
  return std::unique_ptr<const ValueTest>(std::make_unique<const OfType>(columns.property(rule.columns[0]).type));
}

}  // namespace

CheckKind type() {
  return {.name = "type",
          .summary = "every value reads as the property's logicalType",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation,
          .value_test = value_test};
}

}  // namespace millrace::data
