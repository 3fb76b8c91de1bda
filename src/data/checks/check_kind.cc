#include "data/checks/check_kind.h"

#include <cmath>

#include <fmt/format.h>
#include <re2/re2.h>

#include "core/ids.h"
#include "data/typing.h"

namespace millrace::data {

#define MILLRACE_CHECK(name) CheckKind name();
#include "data/checks/list.inc"
#undef MILLRACE_CHECK

namespace {

const Parameter kBy{"by", Parameter::Form::columns, false,
                    "the limits hold in each slice as well: in each combination of these columns' values"};

std::string_view name_of(Parameter::Form form) {
  constexpr std::string_view kNames[] = {"a column", "columns",     "text",   "a condition",
                                         "a number", "[low, high]", "one of", "{dataset, columns}"};
  return kNames[static_cast<size_t>(form)];
}

Result<void> check_numbers(const Yaml& node, std::string_view name) {
  if (node.items().size() != 2)
    return node.error(fmt::format("'{}' needs two numbers", name))
        .hint(fmt::format("write {}: [0, 0.05]; both ends are allowed values", name));
  MILLRACE_TRY(const double low, node.items()[0].number());
  MILLRACE_TRY(const double high, node.items()[1].number());
  if (!(low <= high))
    return node.error(fmt::format("'{}' begins above its end: {} > {}", name, low, high)).hint("swap the two numbers");
  return {};
}

Result<void> check_reference(const Yaml& node) {
  MILLRACE_DO(node.only_keys({"dataset", "columns"}));
  MILLRACE_TRY(const auto dataset, node.get_string("dataset"));
  if (!is_name(dataset)) return node.error(fmt::format("'{}' is not a dataset's name", dataset));
  MILLRACE_TRY(const Yaml* columns, node.get("columns"));
  MILLRACE_TRY(const auto names, columns->strings());
  if (!columns->is_list() || names.empty()) return columns->error("'columns' must be a list of names");
  return {};
}

Result<void> check_choice(const Yaml& node, const Parameter& parameter) {
  MILLRACE_TRY(const auto text, node.string());
  if (std::find(parameter.choices.begin(), parameter.choices.end(), text) != parameter.choices.end()) return {};
  return node.error(fmt::format("unknown {} '{}'", parameter.name, text))
      .hint(fmt::format("one of {}", fmt::join(parameter.choices, ", ")));
}

Result<void> check_parameter(const Yaml& node, const Parameter& parameter) {
  using Form = Parameter::Form;
  if (parameter.form == Form::numbers) return check_numbers(node, parameter.name);
  if (parameter.form == Form::reference) return check_reference(node);
  if (parameter.form == Form::choice) return check_choice(node, parameter);
  if (parameter.form == Form::number) {
    MILLRACE_TRY(const double number, node.number());
    return std::isfinite(number) && number >= 0
               ? Result<void>{}
               : node.error(fmt::format("'{}' must be a number from 0 on", parameter.name));
  }
  if (parameter.form == Form::columns) {
    MILLRACE_TRY(const auto names, node.strings());
    if (!node.is_list() || names.empty())
      return node.error(fmt::format("'{}' must be a list of columns", parameter.name));
    return {};
  }
  MILLRACE_TRY(const auto text, node.string());
  if (text.empty()) return node.error(fmt::format("'{}' is empty", parameter.name));
  return {};
}

Result<const CheckKind*> custom_kind(const Yaml& implementation) {
  if (!implementation.is_map())
    return implementation.error("'implementation' must be a map")
        .hint("write e.g. {metric: null_rate, column: x, between: [0, 0.05]}");
  MILLRACE_TRY(const auto metric, implementation.get_string("metric"));
  std::vector<std::string> names;
  for (const auto& kind : check_kinds()) {
    if (!kind.custom) continue;
    if (kind.name == metric) return &kind;
    names.emplace_back(kind.name);
  }
  const auto near = did_you_mean(metric, names);
  return implementation.find("metric")
      ->error(fmt::format("unknown metric '{}'", metric))
      .hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("known metrics: {}", fmt::join(names, ", ")));
}

}  // namespace

const std::vector<CheckKind>& check_kinds() {
  static const std::vector<CheckKind> kinds{
#define MILLRACE_CHECK(name) name(),
#include "data/checks/list.inc"
#undef MILLRACE_CHECK
  };
  return kinds;
}

const CheckKind* find_check_kind(std::string_view name) {
  for (const auto& kind : check_kinds())
    if (kind.name == name) return &kind;
  return nullptr;
}

bool is_by_history(const Rule& rule) {
  const auto* kind = find_check_kind(rule.kind);
  return kind != nullptr && kind->by_history && rule.skipped.empty();
}

std::string describe_checks() {
  std::string out =
      "# Checks\n\nA contract's schema gives `required`, `type`, `range`, `multiple`, `length`, `pattern`, `unique` "
      "and `foreign_key` (relationships); the\n"
      "standard's library metrics give `null_rate` (nullValues, missingValues), `set` and `pattern` (invalidValues), "
      "`unique` (duplicateValues) and\n"
      "`row_count` (rowCount). The kinds with parameters can be written as `type: custom, engine: millrace, "
      "implementation: {metric: KIND, ...}`.\n";
  for (const auto& kind : check_kinds()) {
    out += fmt::format("\n## {}\n{}. Runs on: {}.\n", kind.name, kind.summary, fmt::join(kind.runs_on, ", "));
    if (!kind.custom) continue;
    out += "\n| parameter | form | required | meaning |\n|---|---|---|---|\n";
    auto parameters = kind.parameters;
    if (kind.by_slice) parameters.push_back(kBy);
    for (const auto& parameter : parameters)
      out += fmt::format("| `{}` | {}{}{} | {} | {} |\n", parameter.name, name_of(parameter.form),
                         parameter.choices.empty() ? "" : " ", fmt::join(parameter.choices, ", "),
                         parameter.required ? "yes" : "no", parameter.summary);
  }
  return out;
}

Result<void> check_implementation(const Yaml& implementation) {
  MILLRACE_TRY(const CheckKind* kind, custom_kind(implementation));
  std::vector<std::string> names{"metric"};
  for (const auto& parameter : kind->parameters) names.emplace_back(parameter.name);
  if (kind->by_slice) names.emplace_back(kBy.name);
  const bool one_column = std::find(names.begin(), names.end(), "column") != names.end();
  for (const auto& [key, value] : implementation.entries()) {
    if (key == "metric") continue;
    // `columns: [x]` and `column: x` say the same where one column is meant.
    if (one_column && key == "columns" && value.items().size() == 1 && implementation.find("column") == nullptr)
      continue;
    if (kind->by_slice && key == kBy.name) {
      MILLRACE_DO(check_parameter(value, kBy));
      continue;
    }
    const auto found = std::find_if(kind->parameters.begin(), kind->parameters.end(),
                                    [&key = key](const Parameter& p) { return p.name == key; });
    if (found == kind->parameters.end()) {
      const auto near = did_you_mean(key, names);
      return value.error(fmt::format("unknown parameter '{}' of {}", key, kind->name))
          .hint(near ? fmt::format("did you mean '{}'?", *near)
                     : fmt::format("known parameters: {}", fmt::join(names, ", ")));
    }
    MILLRACE_DO(check_parameter(value, *found));
  }
  for (const auto& parameter : kind->parameters) {
    const bool as_list = parameter.name == "column" && implementation.find("columns") != nullptr;
    if (parameter.required && !as_list && implementation.find(parameter.name) == nullptr)
      return implementation.error(fmt::format("{} needs '{}'", kind->name, parameter.name))
          .hint(std::string(parameter.summary));
  }
  const Yaml* reference = implementation.find("reference");
  if (reference != nullptr &&
      reference->find("columns")->items().size() != implementation.find("columns")->items().size())
    return reference->error("the key has a different number of columns here and there")
        .hint("name equally many in 'columns' and 'reference.columns'");
  return {};
}

Result<void> check_pattern(const Yaml& node) {
  MILLRACE_TRY(const auto text, node.string());
  const re2::RE2 pattern(text, re2::RE2::Quiet);
  if (pattern.ok()) return {};
  return node.error(fmt::format("the pattern '{}' cannot be read: {}", text, pattern.error()))
      .hint("patterns are RE2's: no lookaround, no backreferences");
}

std::vector<std::string> count_violations(const Rule& rule, const ScanColumns& columns) {
  return {fmt::format("count_if({})", find_check_kind(rule.kind)->violation(rule, columns))};
}

Outcome finish_count(const Rule& rule, const Integers& counts, const BatchFacts& facts) {
  Outcome outcome{.failing = counts[0].value_or(0)};
  const double failing = static_cast<double>(outcome.failing);
  if (rule.unit == "rows")
    outcome.value = failing;
  else if (facts.rows > 0)
    outcome.value = failing / static_cast<double>(facts.rows) * (rule.unit == "percent" ? 100.0 : 1.0);
  return outcome;
}

std::string literal(const ScanColumns& scan, const std::string& column, const Json& value) {
  return scan.dialect().literal(sql_type(scan.property(column).type).value_or(engine::SqlType::text),
                                value.is_string() ? value.get<std::string>() : to_text(value));
}

std::string literal(const ScanColumns& scan, const std::string& column, const Bound& bound) {
  // A fraction as the bound of an integer column must not be rounded.
  if (scan.property(column).type == LogicalType::integer && !bound.integral)
    return scan.dialect().literal(engine::SqlType::number, bound.text);
  return literal(scan, column, Json(bound.text));
}

}  // namespace millrace::data
