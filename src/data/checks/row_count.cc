#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"

namespace millrace::data {
namespace {

constexpr double kDay = 86'400e6;

std::vector<std::string> aggregates(const Rule& rule, const ScanColumns& scan) {
  if (!rule.parameters.contains("per")) return {"count(*)"};
  if (rule.columns.empty()) return {"count(*)"};
  const auto value = scan.value(rule.columns[0]);
  return {"count(*)", fmt::format("{} - {}", scan.dialect().epoch_micros(fmt::format("max({})", value)),
                                  scan.dialect().epoch_micros(fmt::format("min({})", value)))};
}

Outcome finish(const Rule& rule, const Integers& counts, const BatchFacts& facts) {
  const double rows = static_cast<double>(counts[0].value_or(0));
  if (!rule.parameters.contains("per")) return {.value = rows};
  double span = static_cast<double>(facts.period_to - facts.period_from);
  std::string note;
  if (facts.period_to == 0) {
    if (counts.size() < 2 || !counts[1])
      return {.value = rows, .note = "no period was given and no column tells one: taken as one day"};
    // Times of one day lie less than a day apart.
    span = std::max(1.0, std::ceil(static_cast<double>(*counts[1]) / kDay)) * kDay;
    note = fmt::format("no period was given: {} days from the values of {}", span / kDay, rule.columns[0]);
  }
  const double unit = rule.parameters["per"] == "hour" ? kDay / 24 : kDay;
  return {.value = rows / (span / unit), .note = note};
}

}  // namespace

CheckKind row_count() {
  return {.name = "row_count",
          .summary = "the number of rows, in all or by time of the batch's period, stays between two limits",
          .custom = true,
          .parameters = {{"per",
                          Parameter::Form::choice,
                          false,
                          "divided by the days or hours of the batch's period",
                          {"day", "hour"}},
                         {"column", Parameter::Form::column, false,
                          "the time that tells the period when the batch comes without one"},
                         {"between", Parameter::Form::numbers, true, "lowest and highest number, both allowed"}},
          .runs_on = {"duckdb", "spark"},
          .aggregates = aggregates,
          .finish = finish};
}

}  // namespace millrace::data
