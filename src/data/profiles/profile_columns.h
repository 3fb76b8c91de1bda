// What the ways to a profile have in common: which columns have what, and numbers that are the same for all of them.
#pragma once
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "data/plan.h"

namespace millrace::data {

inline constexpr size_t profile_top = 20;

inline bool is_numeric(LogicalType type) { return type == LogicalType::integer || type == LogicalType::number; }
inline bool is_time(LogicalType type) { return type == LogicalType::date || type == LogicalType::timestamp; }
inline bool is_opaque(LogicalType type) { return type == LogicalType::object || type == LogicalType::array; }

// Single values say little when there are many of them, or when most stand once.
inline bool has_few_values(int64_t distinct, int64_t count) {
  return distinct <= 10'000 && (distinct <= 100 || distinct * 2 < count);
}

// The sum of doubles depends on their order in its last digits; these are not told.
inline double stable_sum(double value) {
  if (!std::isfinite(value) || value == 0) return value;
  return std::strtod(fmt::format("{:.11e}", value).c_str(), nullptr);
}

// SQL: a numeric column as DOUBLE.
inline std::string real_value(const Plan& plan, const std::string& column) {
  const auto value = plan.value(column);
  return plan.property(column).type == LogicalType::number ? value
                                                           : plan.dialect().cast(value, engine::SqlType::number);
}

}  // namespace millrace::data
