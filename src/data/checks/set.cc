#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"
#include "data/rows/value_set.h"

namespace millrace::data {
namespace {

// The plan joins the set's values as a table: a long IN list is searched from its start for every row.
std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto value = scan.value(rule.columns[0]);
  const Json& values = rule.parameters["values"];
  if (values.size() > set_inline_limit) return fmt::format("({} IS NOT NULL AND {} IS NULL)", value, scan.found(rule));
  std::vector<std::string> constants;
  for (const auto& item : values) constants.push_back(literal(scan, rule.columns[0], item));
  return constants.empty() ? fmt::format("({} IS NOT NULL)", value)
                           : fmt::format("({} NOT IN ({}))", value, fmt::join(constants, ", "));
}

class InSet final : public ValueTest {
 public:
  explicit InSet(ValueSet values) : values_(std::move(values)) {}
  bool breaks(const Cell& typed) const override { return !typed.is_missing() && !values_.has(typed); }
  std::string message(const Cell&) const override { return fmt::format("the value is not one of {}", values_.shown()); }

 private:
  ValueSet values_;
};

Result<std::unique_ptr<const ValueTest>> value_test(const Rule& rule, const RowColumns& columns) {
  MILLRACE_TRY(auto values, ValueSet::make(rule, columns, rule.parameters["values"]));
  return std::unique_ptr<const ValueTest>(std::make_unique<const InSet>(std::move(values)));
}

}  // namespace

CheckKind set() {
  return {.name = "set",
          .summary = "every value is one of validValues",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation,
          .value_test = value_test};
}

}  // namespace millrace::data
