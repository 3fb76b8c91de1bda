// How a column's values become the contract's type in SQL: strictly, so that a value of a wrong type is NULL and can be
// counted. SQL's own casts would round 1.9 to 2, trim blanks and ignore a time zone.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "data/contracts/contract.h"
#include "engine/dialect.h"

namespace millrace::data {

struct Typed {
  std::string sql;        // over `raw`; NULL for a value of a wrong type
  bool may_fail = false;  // false: every value of the source type has the wanted type
};

// `source_type` is the engine's type, "" for CSV text; `raw` an SQL name. Nothing when no value of that type can be the
// wanted one. An Error when the property's format cannot be read.
Result<std::optional<Typed>> to_typed(const engine::Dialect& dialect, const Property& property,
                                      const std::string& source_type, const std::string& raw);

// The parts of a date's or time's written format, a pattern of Java's form, which the standard uses. `unsupported` at
// the property for letters that are not known.
Result<std::vector<engine::TimePart>> read_format(const Property& property);

std::optional<engine::SqlType> sql_type(LogicalType type);  // nothing for any, object and array: kept as they come

}  // namespace millrace::data
