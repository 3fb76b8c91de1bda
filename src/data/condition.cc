#include "data/condition.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "data/typing.h"

namespace millrace::data {
namespace {

constexpr std::array kOperators{std::pair{"COMPARE_EQUAL", "="},
                                std::pair{"COMPARE_NOTEQUAL", "<>"},
                                std::pair{"COMPARE_LESSTHAN", "<"},
                                std::pair{"COMPARE_GREATERTHAN", ">"},
                                std::pair{"COMPARE_LESSTHANOREQUALTO", "<="},
                                std::pair{"COMPARE_GREATERTHANOREQUALTO", ">="},
                                std::pair{"COMPARE_NOT_DISTINCT_FROM", "<=>"},
                                std::pair{"COMPARE_DISTINCT_FROM", "not <=>"},
                                std::pair{"CONJUNCTION_AND", "AND"},
                                std::pair{"CONJUNCTION_OR", "OR"},
                                std::pair{"OPERATOR_NOT", "NOT"},
                                std::pair{"OPERATOR_IS_NULL", "IS NULL"},
                                std::pair{"OPERATOR_IS_NOT_NULL", "IS NOT NULL"},
                                std::pair{"OPERATOR_COALESCE", "coalesce"},
                                std::pair{"COMPARE_IN", "IN"},
                                std::pair{"COMPARE_NOT_IN", "NOT IN"},
                                std::pair{"COMPARE_BETWEEN", "BETWEEN"},
                                std::pair{"CASE_EXPR", "CASE"}};

constexpr std::array kFunctions{"+",     "-",     "*",      "/",           "%",         "abs",      "floor",   "length",
                                "lower", "upper", "nullif", "starts_with", "ends_with", "contains", "coalesce"};
constexpr std::string_view kArithmetic = "+-*/%";

bool is_arithmetic(const std::string& name) { return name.size() == 1 && kArithmetic.find(name) != kArithmetic.npos; }

class Reader {
 public:
  Reader(const Object& object, const Where& where) : object_(object), where_(where) {}

  Result<Term> read(const Json& node) const {
    const auto kind = string_or(node, "class", ""), type = string_or(node, "type", "");
    if (kind == "COLUMN_REF") return column(node);
    if (kind == "CONSTANT") return constant(node);
    if (kind == "CAST") return typed_constant(node);
    if (kind == "FUNCTION") return function(node);
    for (const auto& [theirs, ours] : kOperators)
      if (type == theirs) return call(ours, operands(node));
    return refuse(type.empty() ? kind : type);
  }

 private:
  Error refuse(const std::string& what) const {
    return Error{Code::unsupported, fmt::format("{} in an expression is computed by duckdb only", what)}
        .at(where_)
        .hint(
            fmt::format("use comparisons, AND, OR, NOT, IS NULL, IN, BETWEEN, CASE, {}", fmt::join(kFunctions, ", ")));
  }

  static std::vector<const Json*> operands(const Json& node) {
    std::vector<const Json*> out;
    for (const auto* key : {"left", "right", "input", "lower", "upper"})
      if (const Json* one = find(node, key)) out.push_back(one);
    if (const Json* children = find(node, "children"))
      for (const auto& child : *children) out.push_back(&child);
    if (const Json* checks = find(node, "case_checks"))
      for (const auto& check : *checks) out.insert(out.end(), {&check["when_expr"], &check["then_expr"]});
    if (const Json* otherwise = find(node, "else_expr")) out.push_back(otherwise);
    return out;
  }

  Result<Term> call(std::string name, const std::vector<const Json*>& operands) const {
    Term term{.kind = Term::Kind::call, .name = std::move(name)};
    for (const Json* operand : operands) {
      MILLRACE_TRY(auto item, read(*operand));
      term.items.push_back(std::move(item));
    }
    return term;
  }

  Result<Term> column(const Json& node) const {
    const auto name = node["column_names"][0].get<std::string>();
    return Term{.kind = Term::Kind::column, .name = name, .type = object_.find(name)->type};
  }

  Result<Term> constant(const Json& node) const {
    const Json* value = find(node, "value");
    const Json* type = value == nullptr ? nullptr : find(*value, "type");
    if (type == nullptr) return refuse("such a constant");
    if (value->value("is_null", false)) return Term{};
    const Json& given = (*value)["value"];
    const auto id = string_or(*type, "id", "");
    if (id == "VARCHAR" && given.is_string())
      return Term{.type = LogicalType::string, .text = given.get<std::string>()};
    if (id == "DOUBLE" && given.is_number())
      return Term{.type = LogicalType::number, .text = fmt::format("{}", given.get<double>())};
    if ((id == "INTEGER" || id == "BIGINT") && given.is_number_integer())
      return Term{.type = LogicalType::integer, .text = to_text(given)};
    if (id == "DECIMAL" && given.is_number_integer()) return decimal(to_text(given), (*type)["type_info"]);
    return refuse(fmt::format("a constant of the type {}", id));
  }

  // 15 of scale 1 is 1.5.
  static Term decimal(std::string digits, const Json& type) {
    const bool negative = digits.starts_with('-');
    if (negative) digits.erase(0, 1);
    const auto scale = static_cast<size_t>(integer_or(type, "scale", 0));
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - scale, ".");
    return Term{.type = LogicalType::number, .text = (negative ? "-" : "") + digits, .decimal = true};
  }

  // DATE '2013-01-01', and true, which DuckDB reads as a cast of 't'.
  Result<Term> typed_constant(const Json& node) const {
    const Json* child = find(node, "child");
    const Json* type = find(node, "cast_type");
    if (child != nullptr && type != nullptr && string_or(*child, "class", "") == "CONSTANT") {
      MILLRACE_TRY(auto term, constant(*child));
      const auto to = string_or(*type, "id", "");
      if (term.type == LogicalType::string && (to == "DATE" || to == "TIMESTAMP")) {
        term.type = to == "DATE" ? LogicalType::date : LogicalType::timestamp;
        return term;
      }
      if (to == "BOOLEAN" && (term.text == "t" || term.text == "f"))
        return Term{.type = LogicalType::boolean, .text = term.text == "t" ? "TRUE" : "FALSE"};
    }
    return refuse("a CAST");
  }

  Result<Term> function(const Json& node) const {
    const auto name = string_or(node, "function_name", "");
    if (std::find(kFunctions.begin(), kFunctions.end(), name) == kFunctions.end())
      return refuse(fmt::format("the function '{}'", name));
    std::vector<const Json*> operands;
    if (const Json* children = find(node, "children"))
      for (const auto& child : *children) operands.push_back(&child);
    MILLRACE_TRY(auto term, call(name, operands));
    // SQL's decimals have a different number of digits on each engine; only with a floating-point number they are none.
    const auto is = [&](LogicalType type) {
      return std::any_of(term.items.begin(), term.items.end(),
                         [&](const Term& t) { return t.type == type && !t.decimal; });
    };
    const bool decimal = std::any_of(term.items.begin(), term.items.end(), [](const Term& t) { return t.decimal; });
    if (is_arithmetic(name)) {
      if (decimal && !is(LogicalType::number)) return refuse("exact arithmetic with a decimal fraction (write 1.5e0)");
      if (is(LogicalType::date) || is(LogicalType::timestamp) || is(LogicalType::time))
        return refuse("arithmetic of times");
      const bool fractions = is(LogicalType::number) || name == "/";
      const Term& last = term.items.back();
      if ((name == "/" || (name == "%" && fractions)) &&
          (last.kind != Term::Kind::constant || std::strtod(last.text.c_str(), nullptr) == 0))
        return refuse("a division by what may be zero");
      term.type = fractions ? LogicalType::number : LogicalType::integer;
    }
    if (name == "floor") term.type = LogicalType::number;
    if (name == "abs") term.type = term.items[0].type;
    if (name == "length") term.type = LogicalType::integer;
    return term;
  }

  const Object& object_;
  const Where& where_;
};

}  // namespace

Result<Term> read_term(const Json& tree, const Object& object, const Where& where) {
  return Reader(object, where).read(tree);
}

std::string spell(const Term& term, const engine::Dialect& dialect,
                  const std::function<std::string(const std::string&)>& column) {
  if (term.kind == Term::Kind::column) return column(term.name);
  if (term.kind == Term::Kind::constant) {
    if (term.type == LogicalType::any) return "NULL";
    if (term.decimal || term.type == LogicalType::boolean) return term.text;
    return dialect.literal(*sql_type(term.type), term.text);
  }
  std::vector<std::string> items;
  for (const auto& item : term.items) items.push_back(spell(item, dialect, column));
  const auto& name = term.name;
  if (name == "length") return dialect.characters(items[0]);
  if (name == "starts_with" || name == "ends_with")
    return fmt::format("{}({}, {})", name == "ends_with" ? "endswith" : "startswith", items[0], items[1]);
  if (name == "NOT") return fmt::format("(NOT {})", items[0]);
  if (name == "IS NULL" || name == "IS NOT NULL") return fmt::format("({} {})", items[0], name);
  if (name == "not <=>") return fmt::format("(NOT {} <=> {})", items[0], items[1]);
  if (name == "BETWEEN") return fmt::format("({} BETWEEN {} AND {})", items[0], items[1], items[2]);
  if (name == "IN" || name == "NOT IN")
    return fmt::format("({} {} ({}))", items[0], name, fmt::join(items.begin() + 1, items.end(), ", "));
  if (name == "CASE") {
    std::string out = "CASE";
    for (size_t i = 0; i + 1 < items.size(); i += 2) out += fmt::format(" WHEN {} THEN {}", items[i], items[i + 1]);
    return out + (items.size() % 2 == 1 ? fmt::format(" ELSE {} END", items.back()) : " END");
  }
  // Spark's floor() is an integer; a double beyond 2^52 is whole.
  if (name == "floor") {
    const auto real = dialect.cast(items[0], engine::SqlType::number);
    return fmt::format("(CASE WHEN abs({0}) < {1} THEN {2} ELSE {0} END)", real, dialect.literal(0x1p52),
                       dialect.cast(fmt::format("floor({})", real), engine::SqlType::number));
  }
  const bool is_function = name[0] >= 'a' && name[0] <= 'z';
  if (is_function) return fmt::format("{}({})", name, fmt::join(items, ", "));
  if (items.size() == 1) return fmt::format("({} {})", name, items[0]);
  // By zero an integer has no remainder, as DuckDB has it; two integers divided are a fraction.
  if (name == "/") return fmt::format("({} / {})", dialect.cast(items[0], engine::SqlType::number), items[1]);
  if (name == "%" && term.type == LogicalType::integer) return fmt::format("({} % nullif({}, 0))", items[0], items[1]);
  return fmt::format("({})", fmt::join(items, fmt::format(" {} ", name)));
}

}  // namespace millrace::data
