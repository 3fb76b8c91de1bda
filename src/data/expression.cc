#include "data/expression.h"

#include <set>

#include <fmt/format.h>

#include "core/limits.h"
#include "core/yaml.h"

namespace millrace::data {
namespace {

const std::vector<std::string> kFunctions{"+",
                                          "-",
                                          "*",
                                          "/",
                                          "//",
                                          "%",
                                          "**",
                                          "^",
                                          "||",
                                          "~~",
                                          "!~~",
                                          "~~~",
                                          "~~*",
                                          "!~~*",
                                          "abs",
                                          "ceil",
                                          "ceiling",
                                          "coalesce",
                                          "concat",
                                          "contains",
                                          "date_diff",
                                          "date_part",
                                          "date_trunc",
                                          "datediff",
                                          "day",
                                          "dayofweek",
                                          "dayofyear",
                                          "ends_with",
                                          "suffix",
                                          "epoch",
                                          "epoch_ms",
                                          "epoch_us",
                                          "exp",
                                          "floor",
                                          "fmod",
                                          "greatest",
                                          "hour",
                                          "ifnull",
                                          "isfinite",
                                          "isinf",
                                          "isnan",
                                          "isodow",
                                          "least",
                                          "left",
                                          "length",
                                          "like_escape",
                                          "not_like_escape",
                                          "ln",
                                          "log",
                                          "log10",
                                          "log2",
                                          "lower",
                                          "md5",
                                          "minute",
                                          "mod",
                                          "month",
                                          "nullif",
                                          "pow",
                                          "power",
                                          "prefix",
                                          "quarter",
                                          "regexp_full_match",
                                          "regexp_matches",
                                          "replace",
                                          "right",
                                          "round",
                                          "second",
                                          "sign",
                                          "sqrt",
                                          "starts_with",
                                          "strip",
                                          "substr",
                                          "substring",
                                          "trim",
                                          "ltrim",
                                          "rtrim",
                                          "trunc",
                                          "upper",
                                          "week",
                                          "year"};

const std::set<std::string> kClasses{"COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR",
                                     "FUNCTION",   "CAST",     "CASE",       "BETWEEN"};

class Inspector {
 public:
  Inspector(const Object& object, const Where& where) : object_(object), where_(where) {}

  Result<void> visit(const Json& node, size_t depth) {
    if (depth > limits::json_depth) return refuse("it is nested too deep", "split the rule");
    if (node.is_array()) {
      for (const auto& item : node) MILLRACE_DO(visit(item, depth + 1));
      return {};
    }
    if (!node.is_object()) return {};
    if (node.contains("class")) MILLRACE_DO(visit_expression(node));
    for (const auto& [key, value] : node.items())
      if (value.is_structured()) MILLRACE_DO(visit(value, depth + 1));
    return {};
  }

  std::vector<std::string> columns() const { return {columns_.begin(), columns_.end()}; }

 private:
  Error refuse(const std::string& why, const std::string& way_out) const {
    return Error{Code::invalid, "the expression is not allowed: " + why}.at(where_).hint(way_out);
  }

  Result<void> visit_expression(const Json& node) {
    const auto kind = string_or(node, "class", "");
    if (!kClasses.contains(kind))
      return refuse(fmt::format("it holds {}", kind == "SUBQUERY" ? "a query" : kind),
                    "write one condition over the columns of a row");
    if (kind == "COLUMN_REF") return visit_column(node);
    return kind == "FUNCTION" ? visit_function(node) : Result<void>{};
  }

  Result<void> visit_column(const Json& node) {
    const Json* names = find(node, "column_names");
    if (names == nullptr || names->size() != 1) return refuse("a column has a prefix", "write the column's name alone");
    const auto name = (*names)[0].get<std::string>();
    std::vector<std::string> known;
    for (const auto& property : object_.properties) known.push_back(property.name);
    if (object_.find(name) == nullptr) {
      const auto near = did_you_mean(name, known);
      return Error{Code::invalid,
                   fmt::format("the expression names '{}', which is no property of '{}'", name, object_.name)}
          .at(where_)
          .hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("it has {}", fmt::join(known, ", ")));
    }
    columns_.insert(name);
    return {};
  }

  Result<void> visit_function(const Json& node) {
    const auto name = string_or(node, "function_name", "");
    const bool plain = string_or(node, "schema", "").empty() && string_or(node, "catalog", "").empty() &&
                       !node.value("distinct", false) && (!node.contains("filter") || node["filter"].is_null());
    if (plain && std::find(kFunctions.begin(), kFunctions.end(), name) != kFunctions.end()) return {};
    const auto near = did_you_mean(name, kFunctions);
    return refuse(fmt::format("the function '{}' is not known here", name),
                  near
                      ? fmt::format("did you mean '{}'?", *near)
                      : fmt::format("known functions: {}", fmt::join(kFunctions.begin() + 15, kFunctions.end(), ", ")));
  }

  const Object& object_;
  const Where& where_;
  std::set<std::string> columns_;
};

bool is_empty_part(const Json& select, const char* key) {
  const Json* part = find(select, key);
  return part == nullptr || part->is_null() || (part->is_array() && part->empty());
}

}  // namespace

Result<Expression> check_expression(engine::Engine& parser, const std::string& expression, const Object& object,
                                    const Where& where) {
  const auto refuse = [&](std::string why) {
    return Error{Code::invalid, std::move(why)}.at(where).hint(
        "write one condition over the columns of a row, e.g. air_time IS NULL OR air_time > 0");
  };
  MILLRACE_TRY(const auto parsed, parser.query(fmt::format("SELECT CAST(json_serialize_sql({}) AS VARCHAR)",
                                                           engine::quote_text("SELECT (" + expression + "\n)"))));
  MILLRACE_TRY(const auto tree, parse_json(parsed.text(0, 0), "the engine's parser"));
  if (tree.value("error", true))
    return refuse(fmt::format("the expression '{}' cannot be read: {}", expression,
                              string_or(tree, "error_message", "syntax error")));
  const Json* statements = find(tree, "statements");
  if (statements == nullptr || statements->size() != 1) return refuse("the expression is more than one statement");
  const Json& select = (*statements)[0].value("node", Json::object());
  const bool plain = string_or(select, "type", "") == "SELECT_NODE" &&
                     select.value("select_list", Json::array()).size() == 1 &&
                     string_or(select.value("from_table", Json::object()), "type", "") == "EMPTY" &&
                     is_empty_part(select, "where_clause") && is_empty_part(select, "group_expressions") &&
                     is_empty_part(select, "having") && is_empty_part(select, "qualify") &&
                     is_empty_part(select, "sample") && is_empty_part(select, "modifiers");
  if (!plain) return refuse("the expression is not one condition");
  Inspector inspector(object, where);
  MILLRACE_DO(inspector.visit(select["select_list"], 0));
  return Expression{inspector.columns(), select["select_list"][0]};
}

}  // namespace millrace::data
