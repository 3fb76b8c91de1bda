// A small result, wholly in memory: at most limits::result_rows rows. Copyable; reading is thread-safe.
//
// Every engine's types come down to nine names, the same for every engine:
//   boolean    json true/false     integer() 0 or 1
//   integer    json integer        all widths, and whole DECIMAL/HUGEINT (what sum() answers)
//   number     json number         real(); DECIMAL with a scale is rounded to the nearest double
//   text       json string         UTF-8; also enum, uuid and interval
//   bytes      json string (hex)   text() is the hex form
//   timestamp  json string (ISO)   integer() = microseconds since 1970 UTC, finer fractions are cut towards the past
//   date       json string         integer() = days since 1970; "2013-07-01"
//   time       json string         integer() = microseconds since midnight; "05:00:00.000000"
//   nested     json array/object   list, struct, map (as an array of {key, value})
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/json.h"

namespace millrace::limits {

inline constexpr size_t result_rows = 1'000'000;
inline constexpr size_t result_bytes = 512 << 20;  // of texts and values together
inline constexpr size_t sql_bytes = 4 << 20;

}  // namespace millrace::limits

namespace millrace::engine {

class Table {
 public:
  // boolean, integer, timestamp, date, time | number | text, bytes (raw), nested (JSON text)
  using Values = std::variant<std::vector<int64_t>, std::vector<double>, std::vector<std::string>>;
  struct Column {
    std::string name;
    std::string type;
    std::vector<uint8_t> present;  // 0 = null; as long as `values`
    Values values;
  };
  Table() = default;
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  size_t rows() const { return columns_.empty() ? 0 : columns_[0].present.size(); }
  size_t columns() const { return columns_.size(); }
  const std::string& name(size_t column) const { return columns_[column].name; }
  const std::string& type(size_t column) const { return columns_[column].type; }
  // The first column of that name, letters' case ignored as SQL does.
  std::optional<size_t> find(std::string_view name) const;

  // `row` and `column` must be inside the table. A null, or a value with no such form, gives 0, NaN or "".
  bool is_null(size_t row, size_t column) const { return columns_[column].present[row] == 0; }
  int64_t integer(size_t row, size_t column) const;  // a number is cut towards zero; outside 64 bits it is 0
  double real(size_t row, size_t column) const;
  std::string text(size_t row, size_t column) const;  // the shortest text that reads back to the same value
  Json json(size_t row, size_t column) const;         // null for null, and for NaN and infinities

 private:
  std::vector<Column> columns_;
};

}  // namespace millrace::engine
