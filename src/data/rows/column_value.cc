#include "data/rows/column_value.h"

#include <cmath>

namespace millrace::data {
namespace {

constexpr int64_t kDay = 86'400'000'000;

// Tables with missing values often come with whole numbers as floating point.
Cell whole(double value) {
  const bool fits = value == std::floor(value) && value >= -0x1p63 && value < 0x1p63;
  return fits ? Cell::of(static_cast<int64_t>(value)) : Cell::wrong();
}

bool is_kept(LogicalType type) {
  return type == LogicalType::any || type == LogicalType::object || type == LogicalType::array;
}

}  // namespace

Result<ColumnValue> ColumnValue::make(const Property& property, TextMeans means) {
  ColumnValue out;
  out.type_ = property.type;
  MILLRACE_TRY(out.text_, TextValue::make(property));
  const bool only_text = property.type == LogicalType::string || property.type == LogicalType::date ||
                         property.type == LogicalType::timestamp || property.type == LogicalType::time;
  out.parses_ = means == TextMeans::anything || only_text || is_kept(property.type);
  return out;
}

Cell ColumnValue::convert(const Cell& raw) const {
  using Kind = Cell::Kind;
  if (is_kept(type_)) return raw;
  switch (type_) {
    case LogicalType::integer:
      if (raw.kind == Kind::integer) return raw;
      return raw.kind == Kind::number ? whole(raw.number) : Cell::wrong();
    case LogicalType::number:
      if (raw.kind == Kind::number) return raw;
      return raw.kind == Kind::integer ? Cell::of(static_cast<double>(raw.integer)) : Cell::wrong();
    case LogicalType::boolean: return raw.kind == Kind::boolean ? raw : Cell::wrong();
    case LogicalType::date:
      if (raw.kind == Kind::date) return raw;
      return raw.kind == Kind::timestamp && raw.integer % kDay == 0 ? Cell::of(Kind::date, raw.integer) : Cell::wrong();
    case LogicalType::timestamp:
      if (raw.kind == Kind::timestamp) return raw;
      return raw.kind == Kind::date ? Cell::of(Kind::timestamp, raw.integer) : Cell::wrong();
    case LogicalType::time: return raw.kind == Kind::time ? raw : Cell::wrong();
    default: return Cell::wrong();
  }
}

}  // namespace millrace::data
