#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

// What is asked of the engine for each statistic; answers are numbers.
std::vector<std::string> queries(const Rule& rule, const ScanColumns& scan) {
  const auto& dialect = scan.dialect();
  const auto value = dialect.cast(scan.value(rule.columns[0]), engine::SqlType::number);
  const auto name = string_or(rule.parameters, "statistic", "");
  const auto finite = dialect.is_finite(value);
  const auto rows = fmt::format("FROM millrace_batch WHERE {}", finite);
  if (name == "stddev")  // about the mean, in two passes: the engines' own differ in their last digits
    return {
        fmt::format("SELECT sqrt(sum((x - m) * (x - m)) / nullif(count(*) - 1, 0)), count(*) FROM (SELECT {} AS x {}) "
                    "CROSS JOIN (SELECT avg({}) AS m {})",
                    value, rows, value, rows)};
  std::string of = fmt::format("{}({})", name == "mean" ? "avg" : name, value);
  if (name == "median" || name == "quantile") {
    const Json* p = find(rule.parameters, "p");
    of = fmt::format("percentile_cont({}) WITHIN GROUP (ORDER BY {})",
                     name == "median" || p == nullptr ? 0.5 : p->get<double>(), value);
  }
  if (name == "distinct")
    return {fmt::format("SELECT count(DISTINCT {}), count(*) FROM millrace_batch", scan.value(rule.columns[0]))};
  return {fmt::format("SELECT {}, count(*) {}", of, rows)};
}

Outcome conclude(const Rule&, const std::vector<engine::Table>& tables, const BatchFacts&) {
  if (tables[0].is_null(0, 0)) return {.note = "no row has a value"};
  return {.value = tables[0].real(0, 0), .of = tables[0].integer(0, 1)};
}

// Of finite values; integers count as the doubles next to them.
class Running final : public RowTally {
 public:
  Running(size_t column, std::string name) : column_(column), name_(std::move(name)) {}
  void take(Row row) override {
    const Cell& cell = row[column_];
    if (cell.is_missing()) return;
    const double value = cell.kind == Cell::Kind::integer ? static_cast<double>(cell.integer) : cell.number;
    if (!std::isfinite(value)) return;
    lowest_ = count_ == 0 ? value : std::min(lowest_, value),
    highest_ = count_ == 0 ? value : std::max(highest_, value);
    ++count_;
    // Neumaier's sum.
    const double sum = sum_ + value;
    lost_ += std::abs(sum_) >= std::abs(value) ? sum_ - sum + value : value - sum + sum_;
    sum_ = sum;
  }
  Outcome outcome(const Rule&, const BatchFacts&) const override {
    if (count_ == 0) return {.note = "no row has a value"};
    const double sum = std::isfinite(sum_) ? sum_ + lost_ : sum_;
    const double value = name_ == "min"   ? lowest_
                         : name_ == "max" ? highest_
                         : name_ == "sum" ? sum
                                          : sum / static_cast<double>(count_);
    return {.value = value, .of = count_};
  }

 private:
  size_t column_;
  std::string name_;
  int64_t count_ = 0;
  double lowest_ = 0, highest_ = 0, sum_ = 0, lost_ = 0;
};

Result<std::unique_ptr<RowTally>> row_tally(const Rule& rule, const RowColumns& columns) {
  const auto name = string_or(rule.parameters, "statistic", "");
  const auto& property = columns.property(rule.columns[0]);
  if (name != "min" && name != "max" && name != "mean" && name != "sum")
    return Error{Code::unsupported, fmt::format("the statistic {} of the rule {} does not run on row", name, rule.id)}
        .at(rule.where)
        .hint("min, max, mean and sum do; the others run on duckdb, spark");
  if (property.type != LogicalType::integer && property.type != LogicalType::number)
    return Error{Code::invalid,
                 fmt::format("{} is about numbers; '{}' is {}", name, property.name, name_of(property.type))}
        .at(rule.where);
  return std::unique_ptr<RowTally>(std::make_unique<Running>(columns.index(property.name), name));
}

}  // namespace

CheckKind statistic() {
  return {.name = "statistic",
          .summary =
              "a statistic of a column's finite values stays between two limits; quantiles are exact (linear between "
              "neighbours). Row by row there are min, max, mean and sum",
          .custom = true,
          .parameters = {{"column", Parameter::Form::column, true, "a number (for distinct: any column)"},
                         {"statistic",
                          Parameter::Form::choice,
                          true,
                          "which",
                          {"min", "max", "mean", "sum", "stddev", "median", "quantile", "distinct"}},
                         {"p", Parameter::Form::number, false, "of quantile: 0 to 1"},
                         {"between", Parameter::Form::numbers, true, "lowest and highest, both allowed"}},
          .runs_on = {"duckdb", "spark", "row"},
          .unit = "value",
          .queries = queries,
          .conclude = conclude,
          .row_tally = row_tally};
}

}  // namespace millrace::data
