// A rule's condition as a tree of what every executor computes alike: SQL for the engines that do not read DuckDB's.
// Comparisons, AND, OR, NOT, IS NULL, IN, BETWEEN, CASE, coalesce, nullif, + - * / and % of numbers, abs, floor,
// length, lower, upper, starts_with, ends_with, contains, and constants, also DATE '...' and TIMESTAMP '...'. NULL, NaN
// (equal to itself, above all) and overflow (an error) mean the same everywhere.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "data/contracts/contract.h"
#include "engine/dialect.h"

namespace millrace::data {

struct Term {
  enum class Kind { column, constant, call };
  Kind kind = Kind::constant;
  std::string name;                     // of a column or an operation: "=", "and", "is null", "length" ...
  LogicalType type = LogicalType::any;  // of a constant; any: NULL
  std::string text;                     // of a constant
  bool decimal = false;                 // a constant with a fraction and no exponent, which SQL computes with exactly
  std::vector<Term> items;              // of "case": condition, value ..., else
};

// `tree` is what check_expression() let through; `unsupported` at `where` for what is not of the above.
Result<Term> read_term(const Json& tree, const Object& object, const Where& where);
// `column` spells a column.
std::string spell(const Term& term, const engine::Dialect& dialect,
                  const std::function<std::string(const std::string&)>& column);

}  // namespace millrace::data
