// Texts as typed values: exactly those that data/typing.h lets through in SQL, with the same values. Written by hand:
// a stream has no time for regular expressions.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "data/rows/cell.h"
#include "engine/dialect.h"

namespace millrace::data {

// Texts of one property. Immutable and thread-safe.
class TextValue {
 public:
  // An Error when the property's format cannot be read.
  static Result<TextValue> make(const Property& property);

  // A cell of the property's type, `wrong` for what is no such value. Properties without a type, objects and arrays
  // keep the text.
  Cell read(std::string_view text) const;

 private:
  Cell read_parts(std::string_view text) const;

  LogicalType type_ = LogicalType::any;
  std::vector<engine::TimePart> parts_;  // of a written format; else empty
};

}  // namespace millrace::data
