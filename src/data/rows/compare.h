// Values in SQL's order: NaN equals itself and is above all numbers, both zeros are one, texts go by their bytes.
#pragma once
#include <cmath>

#include "data/rows/cell.h"

namespace millrace::data {

inline int compare_numbers(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  return static_cast<int>(a > b) - static_cast<int>(a < b);
}

// Exact, also where the integer is no double.
inline int compare_mixed(int64_t a, double b) {
  if (std::isnan(b) || b >= 0x1p63) return -1;
  if (b < -0x1p63) return 1;
  const auto whole = static_cast<int64_t>(b);
  if (a != whole) return a < whole ? -1 : 1;
  return compare_numbers(0, b - static_cast<double>(whole));
}

// -1, 0 or 1. Neither is missing, and both are numbers, or times, or of one kind.
inline int compare_cells(const Cell& a, const Cell& b) {
  using Kind = Cell::Kind;
  if (a.holds_integer() && b.holds_integer())
    return static_cast<int>(a.integer > b.integer) - static_cast<int>(a.integer < b.integer);
  if (a.kind == Kind::boolean) return static_cast<int>(a.boolean) - static_cast<int>(b.boolean);
  if (a.kind == Kind::text || a.kind == Kind::other) {
    const int order = a.text.compare(b.text);
    return static_cast<int>(order > 0) - static_cast<int>(order < 0);
  }
  if (a.kind == Kind::number && b.kind == Kind::number) return compare_numbers(a.number, b.number);
  return a.kind == Kind::number ? -compare_mixed(b.integer, a.number) : compare_mixed(a.integer, b.number);
}

}  // namespace millrace::data
