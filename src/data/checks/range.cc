#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/compare.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& property = scan.property(rule.columns[0]);
  const auto value = scan.value(rule.columns[0]);
  std::vector<std::string> outside;
  if (property.minimum)
    outside.push_back(fmt::format("{} {} {}", value, property.minimum->open ? "<=" : "<",
                                  literal(scan, property.name, *property.minimum)));
  if (property.maximum)
    outside.push_back(fmt::format("{} {} {}", value, property.maximum->open ? ">=" : ">",
                                  literal(scan, property.name, *property.maximum)));
  // NaN sorts above all numbers in SQL and would pass a lone minimum.
  if (property.type == LogicalType::number && !property.maximum) outside.push_back(scan.dialect().is_nan(value));
  return fmt::format("({})", fmt::join(outside, " OR "));
}

// One end of a range as a value of the column.
struct End {
  Cell value;  // null: there is none
  std::string text;
  bool open = false;
};

class InRange final : public ValueTest {
 public:
  InRange(End low, End high) : low_(std::move(low)), high_(std::move(high)) {
    for (End* end : {&low_, &high_})
      if (end->value.kind == Cell::Kind::text) end->value.text = end->text;
  }
  bool breaks(const Cell& typed) const override {
    if (typed.is_missing()) return false;
    if (typed.kind == Cell::Kind::number && std::isnan(typed.number)) return true;
    if (!low_.value.is_missing() && compare_cells(typed, low_.value) < (low_.open ? 1 : 0)) return true;
    return !high_.value.is_missing() && compare_cells(typed, high_.value) > (high_.open ? -1 : 0);
  }
  // Beyond an end that is itself not allowed comes the next integer, or the next number of 64 bits.
  std::optional<Cell> nearest(const Cell& typed) const override {
    if (typed.kind == Cell::Kind::number && std::isnan(typed.number)) return std::nullopt;
    const bool below = !low_.value.is_missing() && compare_cells(typed, low_.value) < (low_.open ? 1 : 0);
    const End& end = below ? low_ : high_;
    const double outward = below ? -HUGE_VAL : HUGE_VAL;
    if (end.value.kind == Cell::Kind::integer && typed.kind == Cell::Kind::integer)
      return Cell::of(end.value.integer + (end.open ? (below ? 1 : -1) : 0));
    if (end.value.kind != Cell::Kind::number && end.value.kind != Cell::Kind::integer) return std::nullopt;
    double bound = end.value.kind == Cell::Kind::number ? end.value.number : static_cast<double>(end.value.integer);
    if (typed.kind == Cell::Kind::integer) {
      const double whole = below ? std::ceil(bound) : std::floor(bound);
      bound = end.open && whole == bound ? (below ? whole + 1 : whole - 1) : whole;
      if (std::fabs(bound) >= 0x1p63) return std::nullopt;
      return Cell::of(static_cast<int64_t>(bound));
    }
    if (typed.kind != Cell::Kind::number) return std::nullopt;
    return Cell::of(end.open ? std::nextafter(bound, -outward) : bound);
  }
  std::string message(const Cell&) const override {
    std::string out;
    if (!low_.value.is_missing()) out = fmt::format("{} {}", low_.open ? "above" : "at least", low_.text);
    if (!high_.value.is_missing())
      out += fmt::format("{}{} {}", out.empty() ? "" : " and ", high_.open ? "below" : "at most", high_.text);
    return "the value must be " + out;
  }

 private:
  End low_, high_;
};

Result<End> end_of(const Rule& rule, const RowColumns& columns, const std::optional<Bound>& bound) {
  if (!bound) return End{};
  End end{.value = {}, .text = bound->text, .open = bound->open};
  const auto type = columns.property(rule.columns[0]).type;
  if (type == LogicalType::integer && bound->integral)
    end.value = Cell::of(bound->integer);
  else if (type == LogicalType::integer || type == LogicalType::number)
    end.value = Cell::of(bound->number);
  else {
    MILLRACE_TRY(end.value, columns.constant(rule, end.text));
  }
  return end;
}

Result<std::unique_ptr<const ValueTest>> value_test(const Rule& rule, const RowColumns& columns) {
  const auto& property = columns.property(rule.columns[0]);
  MILLRACE_TRY(auto low, end_of(rule, columns, property.minimum));
  MILLRACE_TRY(auto high, end_of(rule, columns, property.maximum));
  return std::unique_ptr<const ValueTest>(std::make_unique<const InRange>(std::move(low), std::move(high)));
}

}  // namespace

CheckKind range() {
  return {.name = "range",
          .summary = "every value lies between minimum and maximum; NaN lies in no range",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation,
          .value_test = value_test};
}

}  // namespace millrace::data
