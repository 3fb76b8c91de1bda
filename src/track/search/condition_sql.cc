#include "track/search/condition_sql.h"

#include <fmt/format.h>

#include "track/search/query.h"

namespace millrace::track {
namespace {

constexpr size_t kPatternBytes = 1'000;

// MLflow's patterns have no character that takes a wildcard's meaning away; SQL's have the backslash. The engines agree
// on the small letters of ASCII only, so a pattern that knows no case is brought to them here.
std::string pattern_of(std::string_view pattern, bool any_case) {
  std::string out;
  for (const char c : pattern) {
    if (c == '\\') out += c;
    out += any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

}  // namespace

std::string_view symbol_of(Operator op) {
  switch (op) {
    case Operator::unequal: return "<>";
    case Operator::less: return "<";
    case Operator::less_or_equal: return "<=";
    case Operator::greater: return ">";
    case Operator::greater_or_equal: return ">=";
    default: return "=";
  }
}

Result<void> add_text_condition(Sql& sql, const std::string& column, const Comparison& one) {
  if (one.op == Operator::in || one.op == Operator::not_in) {
    sql.add(column + (one.op == Operator::in ? " IN (" : " NOT IN ("));
    sql.add(placeholders(one.texts, sql.values) + ")");
    return {};
  }
  const auto& text = one.texts.at(0);
  if (one.op != Operator::like && one.op != Operator::ilike) {
    sql.add(fmt::format("{} {} ?", column, symbol_of(one.op)), {text});
    return {};
  }
  if (text.size() > kPatternBytes)
    return Error{Code::invalid, fmt::format("a pattern has at most {} bytes", kPatternBytes)};
  const bool any_case = one.op == Operator::ilike;
  sql.add(any_case ? "lower(" + column + ")" : column);
  sql.add(" LIKE ? ESCAPE '\\'", {pattern_of(text, any_case)});
  return {};
}

}  // namespace millrace::track
