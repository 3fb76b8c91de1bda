#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::vector<std::string> aggregates(const Rule&, const ScanColumns&) { return {}; }

Outcome finish(const Rule&, const Integers&, const BatchFacts& facts) {
  Outcome out{.value = static_cast<double>(facts.moved_columns.size())};
  if (!facts.moved_columns.empty())
    out.note = fmt::format("not in their place: {}", fmt::join(facts.moved_columns, ", "));
  return out;
}

class Order final : public RowTally {
 public:
  void take(Row) override {}
  Outcome outcome(const Rule& rule, const BatchFacts& facts) const override { return finish(rule, {}, facts); }
};

Result<std::unique_ptr<RowTally>> row_tally(const Rule&, const RowColumns&) {
  return std::unique_ptr<RowTally>(std::make_unique<Order>());
}

}  // namespace

CheckKind column_order() {
  return {.name = "column_order",
          .summary =
              "columns come in the order of the contract's properties; counted are the fewest that must move (keys of "
              "JSON lines have no order)",
          .custom = true,
          .parameters = {{"between", Parameter::Form::numbers, false, "lowest and highest number; [0, 0] if left out"}},
          .runs_on = {"duckdb", "spark", "row"},
          .unit = "columns",
          .aggregates = aggregates,
          .finish = finish,
          .row_tally = row_tally};
}

}  // namespace millrace::data
