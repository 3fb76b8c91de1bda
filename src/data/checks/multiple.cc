#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& property = scan.property(rule.columns[0]);
  const auto value = scan.value(rule.columns[0]);
  if (property.type == LogicalType::integer) return fmt::format("({} % {} <> 0)", value, property.multiple_of->integer);
  const auto& dialect = scan.dialect();
  const auto of = dialect.literal(static_cast<double>(property.multiple_of->integer));
  return fmt::format("(NOT {} OR {} <> 0)", dialect.is_finite(value), dialect.remainder(value, of));
}

class MultipleOf final : public ValueTest {
 public:
  explicit MultipleOf(Bound of) : of_(std::move(of)) {}
  bool breaks(const Cell& typed) const override {
    if (typed.kind == Cell::Kind::integer) return typed.integer % of_.integer != 0;
    return typed.kind == Cell::Kind::number &&
           (!std::isfinite(typed.number) || std::fmod(typed.number, static_cast<double>(of_.integer)) != 0);
  }
  std::string message(const Cell&) const override {
    return fmt::format("the value must be a multiple of {}", of_.text);
  }

 private:
  Bound of_;
};

Result<std::unique_ptr<const ValueTest>> value_test(const Rule& rule, const RowColumns& columns) {
  return std::unique_ptr<const ValueTest>(
      std::make_unique<const MultipleOf>(*columns.property(rule.columns[0]).multiple_of));
}

}  // namespace

CheckKind multiple() {
  return {.name = "multiple",
          .summary = "every value is a whole multiple of multipleOf",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation,
          .value_test = value_test};
}

}  // namespace millrace::data
