// A condition of a contract (data/condition.h) computed for one row: SQL's three-valued logic, NaN equal to itself and
// above all numbers, an integer beyond 64 bits no value at all.
#pragma once
#include <memory>

#include "data/condition.h"
#include "data/rows/cell.h"
#include "data/rules.h"

namespace millrace::data {

// A part of a condition. Immutable and thread-safe.
class RowExpression {
 public:
  explicit RowExpression(LogicalType type) : type_(type) {}
  virtual ~RowExpression() = default;
  LogicalType type() const { return type_; }  // any: NULL, or a column of which nothing is known
  // null where SQL has NULL, also for a value of a wrong type. `failed` is set where SQL would end with an error; the
  // answer then means nothing.
  virtual Cell of(Row row, bool& failed) const = 0;

 private:
  LogicalType type_;
};

// Compiles a condition of the rule. `unsupported` at the rule for what only SQL computes, `invalid` for operands that
// do not fit or what is no condition.
Result<std::unique_ptr<const RowExpression>> compile_condition(const Term& term, const Object& object,
                                                               const Rule& rule);

enum class Truth { no, yes, unknown };
inline Truth truth_of(const Cell& cell) {
  if (cell.kind != Cell::Kind::boolean) return Truth::unknown;
  return cell.boolean ? Truth::yes : Truth::no;
}

}  // namespace millrace::data
