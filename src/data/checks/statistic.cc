#include <array>
#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"

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

}  // namespace

CheckKind statistic() {
  return {.name = "statistic",
          .summary =
              "a statistic of a column's finite values stays between two limits; quantiles are exact (linear between "
              "neighbours)",
          .custom = true,
          .parameters = {{"column", Parameter::Form::column, true, "a number (for distinct: any column)"},
                         {"statistic",
                          Parameter::Form::choice,
                          true,
                          "which",
                          {"min", "max", "mean", "sum", "stddev", "median", "quantile", "distinct"}},
                         {"p", Parameter::Form::number, false, "of quantile: 0 to 1"},
                         {"between", Parameter::Form::numbers, true, "lowest and highest, both allowed"}},
          .runs_on = {"duckdb", "spark"},
          .unit = "value",
          .queries = queries,
          .conclude = conclude};
}

}  // namespace millrace::data
