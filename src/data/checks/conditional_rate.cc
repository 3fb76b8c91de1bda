#include <fmt/format.h>

#include "data/checks/check_kind.h"

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

}  // namespace

CheckKind conditional_rate() {
  return {.name = "conditional_rate",
          .summary = "of the rows that meet one condition, the share that meets another stays between two limits",
          .custom = true,
          .parameters = {{"where", Parameter::Form::condition, true, "which rows are looked at"},
                         {"condition", Parameter::Form::condition, true, "what is counted among them"},
                         {"columns", Parameter::Form::columns, false, "the columns that it is about"},
                         {"between", Parameter::Form::numbers, true, "lowest and highest share, 0 to 1, both allowed"}},
          .runs_on = {"duckdb", "spark"},
          .by_slice = true,
          .aggregates = aggregates,
          .finish = finish};
}

}  // namespace millrace::data
