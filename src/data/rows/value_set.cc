#include "data/rows/value_set.h"

#include <algorithm>
#include <cmath>

#include "data/rows/text_value.h"

namespace millrace::data {
namespace {

constexpr size_t kFew = 8;
constexpr size_t kShown = 200;

}  // namespace

Result<ValueSet> ValueSet::make(const Rule& rule, const RowColumns& columns, const Json& values) {
  ValueSet out;
  for (const auto& item : values) {
    if (item.is_null()) continue;
    const std::string text = item.is_string() ? item.get<std::string>() : to_text(item);
    MILLRACE_TRY(const auto value, columns.constant(rule, text));
    out.add(value);
    ++out.size_;
    // Of a column without a type each value says itself what it is.
    if (columns.property(rule.columns[0]).type == LogicalType::any)
      for (const auto type : {LogicalType::integer, LogicalType::number, LogicalType::boolean}) {
        Property as;
        as.type = type;
        MILLRACE_TRY(const auto reader, TextValue::make(as));
        out.add(reader.read(text));
      }
    if (out.shown_.size() < kShown) out.shown_ += (out.shown_.empty() ? "" : ", ") + text;
  }
  if (out.texts_.size() <= kFew) out.few_.assign(out.texts_.begin(), out.texts_.end());
  return out;
}

void ValueSet::add(const Cell& value) {
  if (value.kind == Cell::Kind::text) texts_.emplace(value.text);
  if (value.holds_integer()) integers_.insert(value.integer);
  if (value.kind == Cell::Kind::boolean) (value.boolean ? yes_ : no_) = true;
  if (value.kind != Cell::Kind::number) return;
  nan_ = nan_ || std::isnan(value.number);
  numbers_.insert(value.number);
}

bool ValueSet::has(const Cell& typed) const {
  if (typed.kind == Cell::Kind::text) {
    if (few_.empty()) return texts_.find(typed.text) != texts_.end();
    return std::any_of(few_.begin(), few_.end(), [&](const std::string& text) { return text == typed.text; });
  }
  if (typed.holds_integer()) return integers_.contains(typed.integer);
  if (typed.kind == Cell::Kind::number) return std::isnan(typed.number) ? nan_ : numbers_.contains(typed.number);
  return typed.kind == Cell::Kind::boolean && (typed.boolean ? yes_ : no_);
}

}  // namespace millrace::data
