// One value of a row: as it came, or typed as the contract says. It owns nothing: texts lie where they were read.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "data/contracts/contract.h"

namespace millrace::data {

struct Cell {
  // `date`, `timestamp` (microseconds since 1970 UTC) and `time` (since midnight) are in `integer`. `wrong`: a typed
  // value that is none of its type. `other` is what has no form here (lists, objects), its JSON in `text`; a number may
  // have there how it was written.
  enum class Kind : uint8_t { null, wrong, integer, number, boolean, date, timestamp, time, text, other };
  Kind kind = Kind::null;
  union {
    int64_t integer = 0;
    double number;
    bool boolean;
  };
  std::string_view text = {};

  static Cell of(int64_t value) { return of(Kind::integer, value); }
  static Cell of(double value) {
    Cell cell;
    cell.kind = Kind::number, cell.number = value;
    return cell;
  }
  static Cell of(std::string_view value) {
    Cell cell;
    cell.kind = Kind::text, cell.text = value;
    return cell;
  }
  static Cell of_boolean(bool value) {
    Cell cell;
    cell.kind = Kind::boolean, cell.boolean = value;
    return cell;
  }
  static Cell of(Kind kind, int64_t value) {
    Cell cell;
    cell.kind = kind, cell.integer = value;
    return cell;
  }
  static Cell wrong() {
    Cell cell;
    cell.kind = Kind::wrong;
    return cell;
  }

  bool is_missing() const { return kind <= Kind::wrong; }  // NULL in SQL
  bool holds_integer() const {
    return kind == Kind::integer || kind == Kind::date || kind == Kind::timestamp || kind == Kind::time;
  }
};

// The properties' values in the contract's order.
using Row = std::span<const Cell>;

}  // namespace millrace::data
