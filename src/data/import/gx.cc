// Suites of Great Expectations 1.x, as `ExpectationSuite.to_json_dict` and its stores write them. Its before 1.0 say
// `expectation_type` for `type`.
#include <functional>
#include <map>

#include <fmt/format.h>

#include "data/import/draft.h"
#include "engine/engine.h"

namespace millrace::data {
namespace {

std::optional<double> number(const Json& kwargs, const char* key) {
  const Json* found = find(kwargs, key);
  return found != nullptr && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::optional<int64_t> length(const Json& kwargs, const char* key) {
  const auto found = number(kwargs, key);
  return found && *found >= 0 && *found < 9e15 ? std::optional(static_cast<int64_t>(*found)) : std::nullopt;
}

std::vector<std::string> names(const Json& kwargs, const char* key) {
  std::vector<std::string> out;
  if (const Json* list = find(kwargs, key); list != nullptr && list->is_array())
    for (const auto& one : *list)
      if (one.is_string()) out.push_back(one.get<std::string>());
  return out;
}

bool flag(const Json& kwargs, const char* key) {
  const Json* found = find(kwargs, key);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

Json list_of(const Json& kwargs, const char* key) {
  const Json* found = find(kwargs, key);
  return found == nullptr ? Json() : *found;
}

using Take = std::function<void(Draft&, const Json& kwargs, double mostly)>;

const std::map<std::string, Take>& expectations() {
  static const std::map<std::string, Take> all{
      {"expect_column_to_exist", [](Draft& d, const Json&, double) { d.exists(); }},
      {"expect_column_values_to_not_be_null", [](Draft& d, const Json&, double mostly) { d.required(mostly); }},
      {"expect_column_values_to_be_unique",
       [](Draft& d, const Json&, double mostly) {
         mostly < 1 ? d.leave_out("a share of unique values has no rule") : d.unique();
       }},
      {"expect_compound_columns_to_be_unique",
       [](Draft& d, const Json& k, double) { d.unique(names(k, "column_list")); }},
      {"expect_column_values_to_be_between",
       [](Draft& d, const Json& k, double mostly) {
         d.range(number(k, "min_value"), number(k, "max_value"), flag(k, "strict_min"), flag(k, "strict_max"), mostly);
       }},
      {"expect_column_values_to_be_in_set",
       [](Draft& d, const Json& k, double mostly) { d.one_of(list_of(k, "value_set"), mostly); }},
      {"expect_column_values_to_match_regex",
       [](Draft& d, const Json& k, double mostly) { d.pattern(string_or(k, "regex", ""), mostly); }},
      {"expect_column_value_lengths_to_be_between",
       [](Draft& d, const Json& k, double mostly) {
         if (mostly < 1) return d.leave_out("a share of lengths has no rule");
         d.length(length(k, "min_value"), length(k, "max_value"));
       }},
      {"expect_column_value_lengths_to_equal",
       [](Draft& d, const Json& k, double mostly) {
         if (mostly < 1) return d.leave_out("a share of lengths has no rule");
         d.length(length(k, "value"), length(k, "value"));
       }},
      {"expect_column_values_to_be_of_type",
       [](Draft& d, const Json& k, double) { d.type(string_or(k, "type_", "")); }},
      {"expect_table_row_count_to_be_between",
       [](Draft& d, const Json& k, double) { d.rows(number(k, "min_value"), number(k, "max_value")); }},
      {"expect_table_row_count_to_equal",
       [](Draft& d, const Json& k, double) { d.rows(number(k, "value"), number(k, "value")); }},
      {"expect_column_pair_values_a_to_be_greater_than_b",
       [](Draft& d, const Json& k, double mostly) {
         const auto a = string_or(k, "column_A", ""), b = string_or(k, "column_B", "");
         d.expression(
             fmt::format("{} {} {}", engine::quote_name(a), flag(k, "or_equal") ? ">=" : ">", engine::quote_name(b)),
             {a, b}, mostly);
       }},
      {"expect_column_pair_values_to_be_equal",
       [](Draft& d, const Json& k, double mostly) {
         const auto a = string_or(k, "column_A", ""), b = string_or(k, "column_B", "");
         d.expression(fmt::format("{} = {}", engine::quote_name(a), engine::quote_name(b)), {a, b}, mostly);
       }},
  };
  return all;
}

void take_columns(Draft& draft, const std::string& table, const Json& kwargs, const std::string& type) {
  const auto columns = names(kwargs, type == "expect_table_columns_to_match_set" ? "column_set" : "column_list");
  for (const auto& column : columns) {
    draft.begin(table, column, type);
    draft.exists();
  }
}

}  // namespace

Result<ImportedContract> import_gx(std::string_view text, const std::string& path, const std::string& name) {
  MILLRACE_TRY(const auto suite, parse_json(text, path));
  const Json* list = find(suite, "expectations");
  if (list == nullptr || !list->is_array())
    return Error{Code::invalid, "the file has no 'expectations'"}
        .at({.file = path})
        .hint("a suite is what ExpectationSuite.to_json_dict() gives, or a file of the expectations folder");
  Draft draft("great_expectations");
  const auto table = string_or(suite, "name", string_or(suite, "expectation_suite_name", "data"));
  for (const auto& one : *list) {
    const auto type = string_or(one, "type", string_or(one, "expectation_type", ""));
    const Json* found = find(one, "kwargs");
    const Json kwargs = found == nullptr || !found->is_object() ? Json::object() : *found;
    draft.begin(table, string_or(kwargs, "column", ""), type);
    const auto severity = string_or(one, "severity", "critical");
    if (severity != "critical") draft.severity(severity == "info" ? "info" : "warning");
    if (const Json* condition = find(kwargs, "row_condition"); condition != nullptr && !condition->is_null()) {
      draft.leave_out("it has a row_condition: " + to_text(*condition));
      continue;
    }
    if (type == "expect_table_columns_to_match_set" || type == "expect_table_columns_to_match_ordered_list") {
      take_columns(draft, table, kwargs, type);
      continue;
    }
    const auto take = expectations().find(type);
    if (take == expectations().end())
      draft.leave_out("the contract has no rule of this kind");
    else
      take->second(draft, kwargs, number_or(kwargs, "mostly", 1));
  }
  return draft.finish(name.empty() ? table : name, path);
}

}  // namespace millrace::data
