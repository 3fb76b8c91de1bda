#include <cmath>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/contracts/contract_reader.h"

namespace millrace::data {
namespace {

const std::vector<std::string> kOperators{
    "mustBe",         "mustNotBe",           "mustBeGreaterThan", "mustBeGreaterOrEqualTo",
    "mustBeLessThan", "mustBeLessOrEqualTo", "mustBeBetween",     "mustNotBeBetween"};
const std::vector<std::string> kMetrics{"nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"};
const std::vector<std::string> kDimensions{"accuracy", "completeness", "conformity", "consistency",
                                           "coverage", "timeliness",   "uniqueness"};

Result<Limit> read_between(const Yaml& node, const std::string& name) {
  if (node.items().size() != 2)
    return node.error(fmt::format("'{}' needs two numbers", name)).hint(fmt::format("write {}: [1, 10]", name));
  MILLRACE_TRY(const double low, node.items()[0].number());
  MILLRACE_TRY(const double high, node.items()[1].number());
  if (low > high)
    return node.error(fmt::format("'{}' begins above its end: {} > {}", name, low, high)).hint("swap the two numbers");
  if (low == high)
    return node.error(fmt::format("'{}' from {} to {} holds nothing", name, low, high))
        .hint(fmt::format("write {}: {}", name == "mustBeBetween" ? "mustBe" : "mustNotBe", low));
  Limit limit{.low = low, .high = high, .outside = name == "mustNotBeBetween", .written = name};
  // The standard defines mustBeBetween as greater than AND less than: both ends lie outside.
  limit.low_open = limit.high_open = true;
  return limit;
}

Result<Limit> read_operator(const Yaml& node, const std::string& name) {
  if (name == "mustBeBetween" || name == "mustNotBeBetween") return read_between(node, name);
  MILLRACE_TRY(const double value, node.number());
  Limit limit{.written = name};
  if (name == "mustBe") limit.low = limit.high = value;
  if (name == "mustNotBe") limit.low = limit.high = value, limit.outside = true;
  if (name == "mustBeGreaterThan") limit.low = value, limit.low_open = true;
  if (name == "mustBeGreaterOrEqualTo") limit.low = value;
  if (name == "mustBeLessThan") limit.high = value, limit.high_open = true;
  if (name == "mustBeLessOrEqualTo") limit.high = value;
  return limit;
}

Result<std::optional<Limit>> read_limit(const Yaml& node) {
  std::optional<Limit> limit;
  std::string first;
  for (const auto& [key, value] : node.entries()) {
    if (std::find(kOperators.begin(), kOperators.end(), key) == kOperators.end()) continue;
    if (limit)
      return value.error(fmt::format("a rule has exactly one operator; this one has '{}' and '{}'", first, key))
          .hint("write two rules, or mustBeBetween");
    MILLRACE_TRY(limit, read_operator(value, key));
    first = key;
  }
  return limit;
}

Result<void> check_arguments(const Yaml& node, const Quality& rule) {
  const Yaml* arguments = node.find("arguments");
  const auto only = [&](std::initializer_list<std::string_view> known) -> Result<void> {
    return arguments == nullptr ? Result<void>{} : arguments->only_keys(known);
  };
  if (rule.metric == "missingValues") {
    MILLRACE_DO(only({"missingValues"}));
    if (arguments == nullptr || arguments->find("missingValues") == nullptr)
      return node.error("missingValues needs 'arguments.missingValues'")
          .hint("write arguments: {missingValues: ['', 'N/A']}");
    if (!arguments->find("missingValues")->is_list()) return arguments->error("'missingValues' must be a list");
  } else if (rule.metric == "invalidValues") {
    MILLRACE_DO(only({"validValues", "pattern"}));
    const bool set = arguments != nullptr && arguments->find("validValues") != nullptr;
    const bool pattern = arguments != nullptr && arguments->find("pattern") != nullptr;
    if (set == pattern)
      return node.error("invalidValues needs 'arguments.validValues' or 'arguments.pattern'")
          .hint("write arguments: {validValues: [A, B]}");
    if (set && !arguments->find("validValues")->is_list()) return arguments->error("'validValues' must be a list");
    if (pattern) MILLRACE_DO(check_pattern(*arguments->find("pattern")));
  } else if (rule.metric == "duplicateValues") {
    MILLRACE_DO(only({"properties"}));
    const Yaml* properties = arguments == nullptr ? nullptr : arguments->find("properties");
    if (properties != nullptr && !properties->is_list()) return arguments->error("'properties' must be a list");
  } else {
    MILLRACE_DO(only({}));
  }
  return {};
}

Result<void> read_library(const Yaml& node, Quality& rule, bool of_property) {
  const Yaml* metric = node.find("metric");
  if (metric == nullptr)
    return node.error("a library rule needs 'metric'").hint(fmt::format("one of {}", fmt::join(kMetrics, ", ")));
  MILLRACE_TRY(rule.metric, one_of(*metric, "metric", kMetrics));
  if (!rule.limit)
    return node.error(fmt::format("the rule on {} needs an operator", rule.metric))
        .hint(fmt::format("exactly one of {}", fmt::join(kOperators, ", ")));
  const bool column_only =
      rule.metric == "nullValues" || rule.metric == "missingValues" || rule.metric == "invalidValues";
  if (column_only && !of_property)
    return metric->error(fmt::format("'{}' stands below a property, not below the object", rule.metric))
        .hint("move the rule to the property's 'quality'");
  if (rule.metric == "rowCount" && of_property)
    return metric->error("'rowCount' stands below the object, not below a property")
        .hint("move the rule to the object's 'quality'");
  MILLRACE_DO(check_arguments(node, rule));
  if (rule.metric == "duplicateValues" && !of_property && !rule.arguments.contains("properties"))
    return node.error("duplicateValues of an object needs 'arguments.properties'")
        .hint("name the columns that are unique together");
  return {};
}

Result<void> read_custom(const Yaml& node, Quality& rule) {
  if (rule.limit)
    return node.error("a custom rule has no operator")
        .hint("put the limit inside: implementation: {..., between: [lo, hi]}");
  MILLRACE_TRY(rule.engine, node.get_string("engine"));
  MILLRACE_TRY(const Yaml* implementation, node.get("implementation"));
  rule.implementation = implementation->to_json();
  if (!rule.implementation.is_string() && !rule.implementation.is_object())
    return implementation->error("'implementation' must be a text or a map");
  if (rule.engine == "millrace") return check_implementation(*implementation);
  return {};
}

// A rule has the keys of its type and no others, as the standard's schema says.
Result<void> check_type_keys(const Yaml& node, const std::string& type) {
  static const std::vector<std::string> kOfTypes{"metric", "rule", "arguments", "query", "engine", "implementation"};
  const auto known = [&](const std::string& key) {
    if (type == "library") return key == "metric" || key == "rule" || key == "arguments";
    if (type == "sql") return key == "query";
    return type == "custom" && (key == "engine" || key == "implementation");
  };
  for (const auto& [key, value] : node.entries())
    if (std::find(kOfTypes.begin(), kOfTypes.end(), key) != kOfTypes.end() && !known(key))
      return value.error(fmt::format("'{}' does not belong to a rule of type {}", key, type))
          .hint(key == "metric" || key == "arguments" ? "write type: library" : "see 'type'");
  return {};
}

Result<Severity> read_severity(const Yaml& node) {
  const Yaml* found = node.find("severity");
  if (found == nullptr) return Severity::none;
  MILLRACE_TRY(const auto text, one_of(*found, "severity", {"info", "warning", "error"}));
  return text == "info" ? Severity::info : text == "warning" ? Severity::warning : Severity::error;
}

Result<Quality> read_rule(const Yaml& node, bool of_property) {
  Quality rule{.id = node.string_or("id", ""),
               .name = node.string_or("name", ""),
               .description = node.string_or("description", ""),
               .type = node.string_or("type", "library"),
               .unit = node.string_or("unit", ""),
               .query = node.string_or("query", ""),
               .where = node.where()};
  if (const Yaml* type = node.find("type")) {
    MILLRACE_TRY(rule.type, one_of(*type, "type", {"library", "text", "sql", "custom"}));
  }
  if (const Yaml* unit = node.find("unit")) {
    MILLRACE_TRY(rule.unit, one_of(*unit, "unit", {"rows", "percent"}));
  }
  if (const Yaml* dimension = node.find("dimension")) {
    MILLRACE_TRY(rule.dimension, one_of(*dimension, "dimension", kDimensions));
  }
  if (const Yaml* arguments = node.find("arguments")) rule.arguments = arguments->to_json();
  if (!rule.arguments.is_object()) return node.error("'arguments' must be a map");
  MILLRACE_TRY(rule.severity, read_severity(node));
  MILLRACE_TRY(rule.on_fail, read_on_fail(node));
  MILLRACE_TRY(rule.limit, read_limit(node));
  MILLRACE_DO(check_type_keys(node, rule.type));
  if (rule.type == "library") MILLRACE_DO(read_library(node, rule, of_property));
  if (rule.type == "custom") MILLRACE_DO(read_custom(node, rule));
  if (rule.type == "text" && rule.limit)
    return node.error("a text rule has no operator").hint("say it in 'description', or write type: library");
  if (rule.type != "sql") return rule;
  if (rule.query.empty()) return node.error("an sql rule needs 'query'");
  if (!rule.limit)
    return node.error("an sql rule needs an operator")
        .hint(fmt::format("exactly one of {}", fmt::join(kOperators, ", ")));
  return rule;
}

}  // namespace

Result<std::vector<Quality>> read_quality(const Yaml& element, bool of_property) {
  std::vector<Quality> out;
  const Yaml* list = element.find("quality");
  if (list == nullptr) return out;
  for (const auto& item : list->items()) {
    MILLRACE_TRY(auto rule, read_rule(item, of_property));
    out.push_back(std::move(rule));
  }
  return out;
}

bool Limit::holds(double value) const {
  if (std::isnan(value)) return false;
  const bool above = !low || (low_open ? value > *low : value >= *low);
  const bool below = !high || (high_open ? value < *high : value <= *high);
  // "must not be between" is the opposite of "greater than and less than": its ends are allowed.
  return outside ? !(above && below) : above && below;
}

Json Limit::to_json() const {
  if (written == "between" || written == "mustBeBetween" || written == "mustNotBeBetween")
    return {{written, {*low, *high}}};
  return {{written, low ? *low : *high}};
}

}  // namespace millrace::data
