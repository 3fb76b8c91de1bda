#include "data/row_guard.h"

#include <charconv>
#include <cmath>
#include <string>
#include <unordered_set>

#include <fmt/format.h>
#include <re2/re2.h>

#include "data/rules.h"

namespace millrace::data {
namespace {

constexpr double kTwo63 = 9223372036854775808.0;

bool fits_integer(double value) { return value == std::floor(value) && value >= -kTwo63 && value < kTwo63; }

// -1 below the bound, 0 equal, 1 above; exact where both are whole.
int compare(const Cell& cell, const Bound& bound) {
  if (cell.kind == Cell::Kind::integer && bound.integral)
    return cell.integer < bound.integer ? -1 : cell.integer > bound.integer ? 1 : 0;
  const double value = cell.kind == Cell::Kind::integer ? static_cast<double>(cell.integer) : cell.number;
  return value < bound.number ? -1 : value > bound.number ? 1 : 0;
}

size_t code_points(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

std::string to_text_of(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::null: return "null";
    case Cell::Kind::integer: return fmt::format("{}", cell.integer);
    case Cell::Kind::number: return fmt::format("{}", cell.number);
    case Cell::Kind::boolean: return cell.boolean ? "true" : "false";
    case Cell::Kind::text:
      return cell.text.size() > 200 ? std::string(cell.text.substr(0, 200)) + "..." : std::string(cell.text);
  }
  return "";
}

// The value as the property's type, or nothing if it is of another type.
std::optional<Cell> to_type(const Cell& cell, LogicalType type) {
  using Kind = Cell::Kind;
  if (type == LogicalType::any) return cell;
  if (type == LogicalType::string) return cell.kind == Kind::text ? std::optional(cell) : std::nullopt;
  if (type == LogicalType::boolean) return cell.kind == Kind::boolean ? std::optional(cell) : std::nullopt;
  if (type == LogicalType::number) {
    if (cell.kind == Kind::integer) return Cell::of(static_cast<double>(cell.integer));
    return cell.kind == Kind::number ? std::optional(cell) : std::nullopt;
  }
  if (cell.kind == Kind::integer) return cell;
  if (cell.kind == Kind::number && fits_integer(cell.number)) return Cell::of(static_cast<int64_t>(cell.number));
  return std::nullopt;
}

}  // namespace

struct RowGuard::Rules {
  struct Pattern {
    std::string id, text;
    std::unique_ptr<re2::RE2> compiled;
  };
  struct Set {
    std::string id;
    std::unordered_set<std::string, TextHash, std::equal_to<>> texts;
    std::unordered_set<int64_t> integers;
    std::unordered_set<double> numbers;
    std::optional<bool> only;  // booleans: the one allowed value, if not both
    bool any_boolean = false;
    std::string shown;

    bool holds(const Cell& cell) const {
      if (cell.kind == Cell::Kind::text) return texts.find(cell.text) != texts.end();
      if (cell.kind == Cell::Kind::integer) return integers.contains(cell.integer);
      if (cell.kind == Cell::Kind::number) return numbers.contains(cell.number);
      return any_boolean || (only && *only == cell.boolean);
    }
  };
  bool masked = false;
  std::string required, type, range, multiple, length;  // ids; "" = no such rule
  std::optional<Bound> minimum, maximum, multiple_of;
  std::optional<int64_t> min_length, max_length;
  std::vector<Pattern> patterns;
  std::vector<Set> sets;
};

namespace {

bool breaks_range(const Cell& cell, const std::optional<Bound>& minimum, const std::optional<Bound>& maximum) {
  if (cell.kind == Cell::Kind::number && std::isnan(cell.number)) return true;
  if (minimum && (minimum->open ? compare(cell, *minimum) <= 0 : compare(cell, *minimum) < 0)) return true;
  return maximum && (maximum->open ? compare(cell, *maximum) >= 0 : compare(cell, *maximum) > 0);
}

bool breaks_multiple(const Cell& cell, const Bound& of) {
  if (cell.kind == Cell::Kind::integer) return cell.integer % of.integer != 0;
  return !std::isfinite(cell.number) || std::fmod(cell.number, static_cast<double>(of.integer)) != 0;
}

std::string range_text(const std::optional<Bound>& minimum, const std::optional<Bound>& maximum) {
  std::string out;
  if (minimum) out = fmt::format("{} {}", minimum->open ? "above" : "at least", minimum->text);
  if (maximum)
    out += fmt::format("{}{} {}", out.empty() ? "" : " and ", maximum->open ? "below" : "at most", maximum->text);
  return out;
}

template <class Number>
std::optional<Number> read(const Json& item) {
  if (item.is_number()) return item.get<Number>();
  if (!item.is_string()) return std::nullopt;
  const auto& text = item.get_ref<const std::string&>();
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

RowGuard::RowGuard() = default;
RowGuard::RowGuard(RowGuard&&) noexcept = default;
RowGuard& RowGuard::operator=(RowGuard&&) noexcept = default;
RowGuard::~RowGuard() = default;

Result<RowGuard> RowGuard::make(const Contract& contract, std::string_view object_name) {
  MILLRACE_TRY(const auto* object, contract.object(object_name));
  MILLRACE_TRY(const auto rules, rules_of(contract, *object));
  RowGuard guard;
  for (const auto& property : object->properties) {
    if (property.type >= LogicalType::date)
      return Error{Code::unsupported,
                   fmt::format("'{}' is {}, which a request cannot carry", property.name, name_of(property.type))}
          .at(property.where)
          .hint("use string, integer, number or boolean");
    guard.fields_.push_back(
        {property.name, property.type, property.physical_type, property.required || property.primary_key});
    auto field = std::make_unique<RowGuard::Rules>();
    field->masked = property.is_masked();
    field->minimum = property.minimum;
    field->maximum = property.maximum;
    field->multiple_of = property.multiple_of;
    field->min_length = property.min_length;
    field->max_length = property.max_length;
    guard.rules_.push_back(std::move(field));
  }
  for (const auto& rule : rules) {
    if (!rule.skipped.empty() || rule.on_fail == OnFail::warn || rule.columns.size() != 1) continue;
    auto& field = *guard.rules_[*guard.find(rule.columns[0])];
    if (rule.kind == "required") field.required = rule.id;
    if (rule.kind == "type") field.type = rule.id;
    if (rule.kind == "range") field.range = rule.id;
    if (rule.kind == "multiple") field.multiple = rule.id;
    if (rule.kind == "length") field.length = rule.id;
    if (rule.kind == "pattern") {
      const auto text = string_or(rule.parameters, "pattern", "");
      field.patterns.push_back({rule.id, text, std::make_unique<re2::RE2>(text, re2::RE2::Quiet)});
      if (!field.patterns.back().compiled->ok())
        return Error{Code::invalid, fmt::format("the pattern '{}' cannot be read", text)}.at(rule.where);
    }
    if (rule.kind != "set") continue;
    RowGuard::Rules::Set set{.id = rule.id};
    for (const auto& item : rule.parameters["values"]) {
      const std::string text = item.is_string() ? item.get<std::string>() : to_text(item);
      set.texts.insert(text);
      if (const auto value = read<int64_t>(item)) set.integers.insert(*value);
      if (const auto value = read<double>(item)) set.numbers.insert(*value);
      if (text == "true" || text == "false")
        set.any_boolean = set.any_boolean || (set.only && *set.only != (text == "true")), set.only = text == "true";
      if (set.shown.size() < 200) set.shown += (set.shown.empty() ? "" : ", ") + text;
    }
    field.sets.push_back(std::move(set));
  }
  return guard;
}

std::optional<size_t> RowGuard::find(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i)
    if (fields_[i].name == name) return i;
  return std::nullopt;
}

std::optional<Violation> RowGuard::check(size_t field, const Cell& given) const {
  const RowGuard::Rules& rules = *rules_[field];
  const auto broken = [&](const std::string& rule, const std::string& message) {
    std::optional<Violation> violation(std::in_place);
    violation->field = fields_[field].name;
    violation->rule = rule;
    violation->message = message;
    violation->value = rules.masked ? "(masked)" : to_text_of(given);
    return violation;
  };
  if (given.kind == Cell::Kind::null)
    return rules.required.empty() ? std::nullopt : broken(rules.required, "a value is required");
  const auto cell = to_type(given, fields_[field].type);
  if (!cell)
    return rules.type.empty()
               ? std::nullopt
               : broken(rules.type, fmt::format("the value is not of type {}", name_of(fields_[field].type)));
  const bool numeric = cell->kind == Cell::Kind::integer || cell->kind == Cell::Kind::number;
  if (numeric && !rules.range.empty() && breaks_range(*cell, rules.minimum, rules.maximum))
    return broken(rules.range, fmt::format("the value must be {}", range_text(rules.minimum, rules.maximum)));
  if (numeric && !rules.multiple.empty() && breaks_multiple(*cell, *rules.multiple_of))
    return broken(rules.multiple, fmt::format("the value must be a multiple of {}", rules.multiple_of->text));
  if (cell->kind == Cell::Kind::text && !rules.length.empty()) {
    const auto length = static_cast<int64_t>(code_points(cell->text));
    if (length < rules.min_length.value_or(0) || length > rules.max_length.value_or(INT64_MAX))
      return broken(rules.length, fmt::format("the text has {} characters; allowed are {} to {}", length,
                                              rules.min_length.value_or(0),
                                              rules.max_length ? fmt::format("{}", *rules.max_length) : "any number"));
  }
  if (cell->kind == Cell::Kind::text)
    for (const auto& pattern : rules.patterns)
      if (!re2::RE2::PartialMatch(re2::StringPiece(cell->text.data(), cell->text.size()), *pattern.compiled))
        return broken(pattern.id, fmt::format("the text does not match {}", pattern.text));
  for (const auto& set : rules.sets)
    if (!set.holds(*cell)) return broken(set.id, fmt::format("the value is not one of {}", set.shown));
  return std::nullopt;
}

}  // namespace millrace::data
