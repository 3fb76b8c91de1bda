#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string key_present(const Rule& rule, const ScanColumns& scan) {
  std::vector<std::string> parts;
  for (const auto& column : rule.columns) parts.push_back(scan.value(column) + " IS NOT NULL");
  return fmt::format("{}", fmt::join(parts, " AND "));
}

std::string violation(const Rule& rule, const ScanColumns& scan) {
  return fmt::format("({} AND {} IS NULL)", key_present(rule, scan), scan.found(rule));
}

std::vector<std::string> aggregates(const Rule& rule, const ScanColumns& scan) {
  return {fmt::format("count_if({})", violation(rule, scan)), fmt::format("count_if({})", key_present(rule, scan))};
}

// A row without a key refers to nothing: it is neither counted as missing nor in the share's base.
Outcome finish(const Rule& rule, const Integers& counts, const BatchFacts& facts) {
  BatchFacts with_key = facts;
  with_key.rows = counts[1].value_or(0);
  return finish_count(rule, counts, with_key);
}

}  // namespace

CheckKind foreign_key() {
  return {
      .name = "foreign_key",
      .summary =
          "keys are found in another dataset; the share of rows with a key that is not found stays between two limits",
      .custom = true,
      .parameters = {{"columns", Parameter::Form::columns, true, "the key's columns here"},
                     {"reference", Parameter::Form::reference, true,
                      "{dataset, columns}: where the key is looked up; its newest accepted version"},
                     {"between", Parameter::Form::numbers, true, "lowest and highest share, 0 to 1, both allowed"}},
      .runs_on = {"duckdb", "spark"},
      .by_slice = true,
      .aggregates = aggregates,
      .finish = finish,
      .violation = violation};
}

}  // namespace millrace::data
