#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::vector<std::string> aggregates(const Rule& rule, const ScanColumns& scan) {
  return {scan.dialect().epoch_micros(fmt::format("max({})", scan.value(rule.columns[0])))};
}

double microseconds_of(const std::string& unit) {
  if (unit == "s") return 1e6;
  if (unit == "m") return 60e6;
  return unit == "d" ? 86'400e6 : 3'600e6;
}

Outcome finish(const Rule& rule, const Integers& newest, const BatchFacts& facts) {
  // Rows without a single time are not fresh; NaN lies in no limit.
  if (!newest[0])
    return {.value = facts.rows > 0 ? std::optional(std::nan("")) : std::nullopt, .note = "no value tells a time"};
  const Micros end = facts.period_to != 0 ? facts.period_to : facts.now;
  return {
      .value = static_cast<double>(end - *newest[0]) / microseconds_of(rule.unit),
      .note = facts.period_to != 0 ? "against the period's end" : "no period was given: against the time of the check"};
}

class Newest final : public RowTally {
 public:
  explicit Newest(size_t column) : column_(column) {}
  void take(Row row) override {
    if (row[column_].is_missing()) return;
    newest_ = std::max(newest_.value_or(row[column_].integer), row[column_].integer);
  }
  Outcome outcome(const Rule& rule, const BatchFacts& facts) const override { return finish(rule, {newest_}, facts); }

 private:
  size_t column_;
  std::optional<int64_t> newest_;
};

Result<std::unique_ptr<RowTally>> row_tally(const Rule& rule, const RowColumns& columns) {
  MILLRACE_TRY(const size_t time, columns.time_of(rule));
  return std::unique_ptr<RowTally>(std::make_unique<Newest>(time));
}

}  // namespace

CheckKind freshness() {
  return {.name = "freshness",
          .summary =
              "the time from the newest value to the end of the batch's period (without one: to now) stays between two "
              "limits",
          .custom = true,
          .parameters = {{"column", Parameter::Form::column, true, "a date or timestamp"},
                         {"unit", Parameter::Form::choice, false, "of the limits; h if left out", {"s", "m", "h", "d"}},
                         {"between", Parameter::Form::numbers, true,
                          "shortest and longest, both allowed; negative: after the period's end"}},
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = aggregates,
          .finish = finish,
          .row_tally = row_tally};
}

}  // namespace millrace::data
