#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

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

class Rows final : public RowTally {
 public:
  explicit Rows(std::optional<size_t> time) : time_(time) {}
  void take(Row row) override {
    ++rows_;
    if (!time_ || row[*time_].is_missing()) return;
    const int64_t at = row[*time_].integer;
    first_ = std::min(first_.value_or(at), at), last_ = std::max(last_.value_or(at), at);
  }
  Outcome outcome(const Rule& rule, const BatchFacts& facts) const override {
    Integers counts{rows_};
    if (time_) counts.push_back(first_ ? std::optional(*last_ - *first_) : std::nullopt);
    return finish(rule, counts, facts);
  }

 private:
  std::optional<size_t> time_;
  int64_t rows_ = 0;
  std::optional<int64_t> first_, last_;
};

Result<std::unique_ptr<RowTally>> row_tally(const Rule& rule, const RowColumns& columns) {
  if (!rule.parameters.contains("per") || rule.columns.empty())
    return std::unique_ptr<RowTally>(std::make_unique<Rows>(std::nullopt));
  MILLRACE_TRY(const size_t time, columns.time_of(rule));
  return std::unique_ptr<RowTally>(std::make_unique<Rows>(time));
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
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = aggregates,
          .finish = finish,
          .row_tally = row_tally};
}

}  // namespace millrace::data
