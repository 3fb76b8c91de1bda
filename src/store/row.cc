#include <limits>

#include "store/database.h"

namespace millrace::store {

int64_t Row::integer(size_t column) const {
  const auto* value = std::get_if<int64_t>(&values_.at(column));
  return value != nullptr ? *value : 0;
}

double Row::real(size_t column) const {
  if (const auto* integer = std::get_if<int64_t>(&values_.at(column))) return static_cast<double>(*integer);
  const auto* value = std::get_if<double>(&values_.at(column));
  return value != nullptr ? *value : std::numeric_limits<double>::quiet_NaN();
}

std::string Row::text(size_t column) const {
  const auto* value = std::get_if<std::string>(&values_.at(column));
  return value != nullptr ? *value : std::string();
}

Result<std::optional<Row>> Session::first(std::string_view sql, const Values& values) {
  MILLRACE_TRY(auto rows, query(sql, values));
  if (rows.empty()) return std::optional<Row>{};
  return std::optional<Row>{std::move(rows.front())};
}

}  // namespace millrace::store
