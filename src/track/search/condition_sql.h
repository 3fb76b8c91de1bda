// A statement as it is put together, and one comparison of a filter with a column in it. Nothing that a client wrote
// becomes part of the text.
#pragma once
#include <string>
#include <string_view>

#include "store/database.h"
#include "track/search/filter.h"

namespace millrace::track {

struct Sql {
  std::string text;
  store::Values values;
  void add(std::string_view more, store::Values bound = {}) {
    text += more;
    for (auto& value : bound) values.push_back(std::move(value));
  }
};

std::string_view symbol_of(Operator op);  // of those that compare with one value, but for patterns

// `column` is SQL without parameters and never null. Takes all operators but IS NULL and IS NOT NULL. `invalid` for a
// pattern that is too long.
Result<void> add_text_condition(Sql& sql, const std::string& column, const Comparison& one);

}  // namespace millrace::track
