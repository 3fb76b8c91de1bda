#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/evaluator.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::string part(const Rule& rule, const ScanColumns& scan, const char* name) {
  return scan.condition(string_or(rule.parameters, name, ""));
}

std::vector<std::string> aggregates(const Rule& rule, const ScanColumns& scan) {
  const auto where = part(rule, scan, "where");
  return {fmt::format("count_if({} AND {})", where, part(rule, scan, "condition")), fmt::format("count_if({})", where)};
}

Outcome finish(const Rule& rule, const Integers& counts, const BatchFacts&) {
  const int64_t of = counts[1].value_or(0);
  if (of == 0) return {.note = "no row meets the condition after 'where'"};
  const double share = static_cast<double>(counts[0].value_or(0)) / static_cast<double>(of);
  return {.value = rule.unit == "percent" ? 100 * share : share, .of = of};
}

class Share final : public RowTest {
 public:
  Share(std::unique_ptr<const RowExpression> where, std::unique_ptr<const RowExpression> condition)
      : where_(std::move(where)), condition_(std::move(condition)) {}
  unsigned ask(Row row) const override {
    bool failed = false;
    unsigned bits = truth_of(where_->of(row, failed)) == Truth::yes ? 2 : 0;
    if (bits != 0 && truth_of(condition_->of(row, failed)) == Truth::yes) bits |= 1;
    return failed ? kFailed : bits;
  }
  size_t counts() const override { return 2; }

 private:
  std::unique_ptr<const RowExpression> where_, condition_;
};

Result<std::unique_ptr<const RowTest>> row_test(const Rule& rule, const RowColumns& columns) {
  MILLRACE_TRY(auto where, columns.condition(rule, "where"));
  MILLRACE_TRY(auto condition, columns.condition(rule, "condition"));
  return std::unique_ptr<const RowTest>(std::make_unique<const Share>(std::move(where), std::move(condition)));
}

}  // namespace

CheckKind conditional_rate() {
  return {.name = "conditional_rate",
          .summary = "of the rows that meet one condition, the share that meets another stays between two limits",
          .custom = true,
          .parameters = {{"where", Parameter::Form::condition, true, "which rows are looked at"},
                         {"condition", Parameter::Form::condition, true, "what is counted among them"},
                         {"columns", Parameter::Form::columns, false, "the columns that it is about"},
                         {"between", Parameter::Form::numbers, true, "lowest and highest share, 0 to 1, both allowed"}},
          .runs_on = {"duckdb", "spark", "row"},
          .by_slice = true,
          .aggregates = aggregates,
          .finish = finish,
          .row_test = row_test};
}

}  // namespace millrace::data
