// How the values of one column become the property's type, as data/typing.h says it in SQL.
#pragma once
#include "data/rows/text_value.h"

namespace millrace::data {

// What a text can be. `anything`: in CSV there is nothing else. `text`: where values have types of their own (JSON, a
// request) a text is never a number, however it looks; dates and times have no other form.
enum class TextMeans { anything, text };

// Immutable and thread-safe.
class ColumnValue {
 public:
  static Result<ColumnValue> make(const Property& property, TextMeans means);

  // null for null, `wrong` for what is no value of the type.
  Cell read(const Cell& raw) const {
    if (raw.kind == Cell::Kind::text && parses_) return text_.read(raw.text);
    return raw.kind == Cell::Kind::null ? raw : convert(raw);
  }

 private:
  Cell convert(const Cell& raw) const;

  LogicalType type_ = LogicalType::any;
  bool parses_ = false;
  TextValue text_;
};

}  // namespace millrace::data
