#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

constexpr double kDay = 86'400e6;

bool is_time(LogicalType type) { return type == LogicalType::date || type == LogicalType::timestamp; }

std::vector<std::string> within(const Rule& rule, const ScanColumns& scan) {
  std::vector<std::string> out;
  if (const Json* by = find(rule.parameters, "within"))
    for (const auto& column : *by) out.push_back(scan.value(column.get<std::string>()));
  return out;
}

// The step in the column's unit: a number, or for times a count of seconds, minutes, hours or days.
double step_of(const Rule& rule) {
  const Json* step = find(rule.parameters, "step");
  double out = step == nullptr ? 1 : step->get<double>();
  const auto unit = string_or(rule.parameters, "unit", "");
  if (unit == "s") out *= 1e6;
  if (unit == "m") out *= 60e6;
  if (unit == "h") out *= 3'600e6;
  if (unit == "d") out *= kDay;
  return out;
}

// `gap`: steps that are missing between neighbouring values. `increasing`, `decreasing`: rows that come after a larger
// (smaller) one, in the order of the files.
std::vector<std::string> queries(const Rule& rule, const ScanColumns& scan) {
  const auto& column = rule.columns[0];
  const auto value = scan.value(column);
  const auto number = is_time(scan.property(column).type)
                          ? scan.dialect().cast(scan.dialect().epoch_micros(value), engine::SqlType::number)
                          : scan.dialect().cast(value, engine::SqlType::number);
  const auto kind = string_or(rule.parameters, "order", "gaps");
  // The groups under names of their own, for the queries around.
  std::string groups, partition;
  for (const auto& group : within(rule, scan)) {
    const auto name = fmt::format("millrace_g{}", groups.size());
    groups += fmt::format(", {} AS {}", group, name);
    partition += fmt::format("{}{}", partition.empty() ? "PARTITION BY " : ", ", name);
  }
  if (kind ==
      "gaps")  // Values are counted once; a step is missing where neighbours lie more than one and a half apart.
    return {fmt::format(
        "SELECT CAST(sum(CASE WHEN millrace_apart > {1} * 1.5 THEN round(millrace_apart / {1}) - 1 ELSE 0 END) AS "
        "BIGINT), count(*) FROM (SELECT millrace_x - lag(millrace_x) OVER ({2} ORDER BY millrace_x) AS millrace_apart "
        "FROM (SELECT DISTINCT {0} AS millrace_x{3} FROM millrace_batch WHERE {4} IS NOT NULL))",
        number, scan.dialect().literal(step_of(rule)), partition, groups, value)};
  const auto worse = kind == "increasing"            ? "<"
                     : kind == "strictly increasing" ? "<="
                     : kind == "decreasing"          ? ">"
                                                     : ">=";
  return {
      fmt::format("SELECT count_if(millrace_x {} millrace_before), count(*) FROM (SELECT millrace_x, lag(millrace_x) "
                  "OVER ({} ORDER BY "
                  "millrace_file, millrace_row) AS millrace_before FROM (SELECT {} AS millrace_x, millrace_file, "
                  "millrace_row{} FROM "
                  "millrace_batch WHERE {} IS NOT NULL))",
                  worse, partition, number, groups, value)};
}

Outcome conclude(const Rule& rule, const std::vector<engine::Table>& tables, const BatchFacts&) {
  const int64_t rows = tables[0].integer(0, 1);
  if (rows == 0) return {.note = "no row has a value"};
  const int64_t broken = tables[0].is_null(0, 0) ? 0 : tables[0].integer(0, 0);
  return {
      .value = static_cast<double>(broken),
      .note = string_or(rule.parameters, "order", "gaps") == "gaps" ? "steps that are missing" : "rows out of order"};
}

}  // namespace

CheckKind sequence() {
  return {.name = "sequence",
          .summary =
              "values follow each other without gaps, or in the order of the rows; counted are the steps that are "
              "missing, or the rows out of order",
          .custom = true,
          .parameters =
              {{"column", Parameter::Form::column, true, "a number, date or timestamp"},
               {"order",
                Parameter::Form::choice,
                false,
                "gaps if left out: steps that no row has, whatever the order of rows",
                {"gaps", "increasing", "strictly increasing", "decreasing", "strictly decreasing"}},
               {"step", Parameter::Form::number, false, "the distance of neighbours; 1 if left out"},
               {"unit", Parameter::Form::choice, false, "of the step, for dates and timestamps", {"s", "m", "h", "d"}},
               {"within", Parameter::Form::columns, false, "each value of these has a sequence of its own"},
               {"between", Parameter::Form::numbers, false, "lowest and highest number; [0, 0] if left out"}},
          .runs_on = {"duckdb", "spark"},
          .unit = "steps",
          .queries = queries,
          .conclude = conclude};
}

}  // namespace millrace::data
