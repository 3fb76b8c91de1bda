#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

std::string list_of(const Rule& rule, const ScanColumns& scan) {
  std::vector<std::string> parts;
  for (const auto& column : rule.columns) parts.push_back(scan.value(column));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string key_present(const Rule& rule, const ScanColumns& scan) {
  std::vector<std::string> parts;
  for (const auto& column : rule.columns) parts.push_back(scan.value(column) + " IS NOT NULL");
  return fmt::format("{}", fmt::join(parts, " AND "));
}

std::vector<std::string> aggregates(const Rule&, const ScanColumns&) { return {}; }

// Grouped in a query of its own: half the time of counting distinct rows in the scan, and it can spill.
std::vector<std::string> queries(const Rule& rule, const ScanColumns& scan) {
  return {
      fmt::format("SELECT CAST(sum(millrace_rows - 1) AS BIGINT) FROM (SELECT count(*) AS millrace_rows FROM "
                  "millrace_batch WHERE {} GROUP BY {})",
                  key_present(rule, scan), list_of(rule, scan))};
}

Outcome conclude(const Rule& rule, const std::vector<engine::Table>& tables, const BatchFacts& facts) {
  return finish_count(rule, {tables[0].is_null(0, 0) ? 0 : tables[0].integer(0, 0)}, facts);
}

std::string violation(const Rule& rule, const ScanColumns& scan) {
  return fmt::format("({} AND row_number() OVER (PARTITION BY {} ORDER BY millrace_file, millrace_row) > 1)",
                     key_present(rule, scan), list_of(rule, scan));
}

}  // namespace

CheckKind unique() {
  return {.name = "unique",
          .summary =
              "no key stands twice; counted are the rows after the first of their key, keys with a missing part are "
              "not compared",
          .custom = true,
          .parameters = {{"columns", Parameter::Form::columns, true, "the columns that are unique together"},
                         {"between", Parameter::Form::numbers, false,
                          "lowest and highest number of repeated rows; [0, 0] if left out"}},
          .runs_on = {"duckdb", "spark", "row"},
          .by_key = true,
          .aggregates = aggregates,
          .finish = finish_count,
          .queries = queries,
          .conclude = conclude,
          .violation = violation};
}

}  // namespace millrace::data
