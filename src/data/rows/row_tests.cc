#include "data/rows/row_tests.h"

#include <fmt/format.h>

#include "data/rows/text_value.h"

namespace millrace::data {

size_t RowColumns::index(const std::string& column) const {
  return static_cast<size_t>(object_.find(column) - object_.properties.data());
}

Result<Cell> RowColumns::constant(const Rule& rule, const std::string& text) const {
  Property plain = property(rule.columns[0]);
  plain.format.clear();  // constants are written as SQL has them
  MILLRACE_TRY(const auto reader, TextValue::make(plain));
  const auto value = reader.read(text);
  if (value.kind != Cell::Kind::wrong) return value;
  return Error{Code::invalid, fmt::format("'{}' is no {}, which '{}' is", text, name_of(plain.type), plain.name)}
      .at(rule.where)
      .hint("write values of the column's logicalType");
}

Result<size_t> RowColumns::time_of(const Rule& rule) const {
  const auto& column = property(rule.columns[0]);
  if (column.type == LogicalType::date || column.type == LogicalType::timestamp) return index(column.name);
  return Error{Code::invalid,
               fmt::format("{} is about times; '{}' is {}", rule.kind, column.name, name_of(column.type))}
      .at(rule.where)
      .hint("its logicalType must be date or timestamp");
}

Result<std::unique_ptr<const RowExpression>> RowColumns::condition(const Rule& rule, const char* parameter) const {
  return compile_condition(conditions.at(string_or(rule.parameters, parameter, "")), object_, rule);
}

}  // namespace millrace::data
