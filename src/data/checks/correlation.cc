#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "stats/effect.h"

namespace millrace::data {
namespace {

// The sums are taken about the means: sums of raw squares lose the digits of a column that lies far from zero.
std::vector<std::string> queries(const Rule& rule, const ScanColumns& scan) {
  const auto& dialect = scan.dialect();
  const auto x = dialect.cast(scan.value(rule.columns[0]), engine::SqlType::number),
             y = dialect.cast(scan.value(rule.columns[1]), engine::SqlType::number);
  const auto rows = fmt::format("SELECT {0} AS millrace_x, {1} AS millrace_y FROM millrace_batch WHERE {2} AND {3}", x,
                                y, dialect.is_finite(x), dialect.is_finite(y));
  return {
      fmt::format("SELECT count(*), sum(x), sum(y), sum(x * x), sum(y * y), sum(x * y) FROM (SELECT millrace_x - "
                  "millrace_mx AS x, millrace_y - millrace_my AS y FROM ({0}) CROSS JOIN (SELECT avg(millrace_x) AS "
                  "millrace_mx, avg(millrace_y) AS millrace_my FROM ({0})))",
                  rows)};
}

Outcome conclude(const Rule&, const std::vector<engine::Table>& tables, const BatchFacts&) {
  const auto& found = tables[0];
  const int64_t n = found.integer(0, 0);
  if (n < 3) return {.note = "fewer than three rows have both values"};
  const double r = stats::correlation({.n = n,
                                       .x = found.real(0, 1),
                                       .y = found.real(0, 2),
                                       .xx = found.real(0, 3),
                                       .yy = found.real(0, 4),
                                       .xy = found.real(0, 5)});
  if (std::isnan(r)) return {.note = "one of the columns is constant"};
  Outcome out{.value = r, .of = n, .effect = r};
  // Fisher's transformation: atanh(r) is about normal with variance 1 / (n - 3).
  if (n > 3 && std::abs(r) < 1) {
    const double middle = std::atanh(r), half = 1.96 / std::sqrt(static_cast<double>(n - 3));
    out.interval = {std::tanh(middle - half), std::tanh(middle + half)};
  }
  return out;
}

}  // namespace

CheckKind correlation() {
  return {.name = "correlation",
          .summary = "Pearson's correlation of two numbers stays between two limits; rows with both values count",
          .custom = true,
          .parameters = {{"columns", Parameter::Form::columns, true, "the two columns"},
                         {"between", Parameter::Form::numbers, true, "lowest and highest, -1 to 1, both allowed"}},
          .runs_on = {"duckdb", "spark"},
          .columns = 2,
          .of_numbers = true,
          .queries = queries,
          .conclude = conclude};
}

}  // namespace millrace::data
