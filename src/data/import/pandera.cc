// Schemas of Pandera, as its own `to_yaml` and `to_json` write them. A check that is a Python function is not in what
// Pandera writes; an unknown one is named.
#include <fmt/format.h>

#include "core/yaml.h"
#include "data/import/draft.h"

namespace millrace::data {
namespace {

std::optional<double> number(const Json& value) {
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::optional<int64_t> length(const Json& value, const char* key) {
  const Json* found = find(value, key);
  return found != nullptr && found->is_number_integer() ? std::optional(found->get<int64_t>()) : std::nullopt;
}

// Since 0.20 a check's value may stand in `value` beside its options.
Json value_of(const Json& check) {
  const Json* inside = find(check, "value");
  return inside == nullptr ? check : *inside;
}

void take_check(Draft& draft, const std::string& column, const std::string& check, const Json& said) {
  const Json value = value_of(said);
  if (check == "greater_than") return draft.range(number(value), {}, true, false);
  if (check == "greater_than_or_equal_to") return draft.range(number(value), {}, false, false);
  if (check == "less_than") return draft.range({}, number(value), false, true);
  if (check == "less_than_or_equal_to") return draft.range({}, number(value), false, false);
  if (check == "in_range" || check == "between")
    return draft.range(number(value.value("min_value", Json())), number(value.value("max_value", Json())),
                       !value.value("include_min", true), !value.value("include_max", true));
  if (check == "isin") return draft.one_of(value.is_object() ? value.value("allowed_values", Json()) : value);
  if (check == "equal_to") return draft.one_of(Json::array({value}));
  if (check == "not_equal_to")
    return draft.expression(fmt::format("{} <> {}", draft.quoted(), Draft::constant(value)), {column});
  if (check == "notin" && value.is_array() && !value.empty()) {
    std::string list;
    for (const auto& one : value) list += (list.empty() ? "" : ", ") + Draft::constant(one);
    return draft.expression(fmt::format("{} NOT IN ({})", draft.quoted(), list), {column});
  }
  if (check == "str_matches" && value.is_string()) {
    // Pandera matches at the beginning.
    const auto regex = value.get<std::string>();
    return draft.pattern(regex.starts_with('^') ? regex : "^(?:" + regex + ")");
  }
  if (check == "str_contains" && value.is_string()) return draft.pattern(value.get<std::string>());
  if (check == "str_startswith" && value.is_string())
    return draft.expression(fmt::format("starts_with({}, {})", draft.quoted(), Draft::constant(value)), {column});
  if (check == "str_endswith" && value.is_string())
    return draft.expression(fmt::format("ends_with({}, {})", draft.quoted(), Draft::constant(value)), {column});
  if (check == "str_length") {
    if (const auto exact = length(value, "exact_value")) return draft.length(exact, exact);
    return draft.length(length(value, "min_value"), length(value, "max_value"));
  }
  draft.leave_out("the contract has no rule of this kind");
}

// What a column says beside its checks.
bool is_setting(const std::string& key) {
  static constexpr std::string_view kSettings[] = {"dtype",       "nullable", "unique",   "required",
                                                   "description", "title",    "coerce",   "regex",
                                                   "checks",      "name",     "metadata", "default"};
  return std::find(std::begin(kSettings), std::end(kSettings), key) != std::end(kSettings);
}

void take_column(Draft& draft, const std::string& table, const std::string& name, const Json& column) {
  const auto begin = [&](const std::string& what) { draft.begin(table, name, what); };
  begin("column");
  if (column.value("regex", false)) return draft.leave_out("the column's name is a pattern");
  if (!column.value("required", true))
    return draft.leave_out("the column may be missing; a contract's columns are there");
  draft.exists();
  draft.describe(string_or(column, "description", ""));
  begin("dtype");
  if (const auto type = string_or(column, "dtype", ""); !type.empty()) draft.type(type);
  begin("nullable");
  if (!column.value("nullable", false)) draft.required();
  begin("unique");
  if (column.value("unique", false)) draft.unique();
  const auto take = [&](const Json& checks) {
    if (!checks.is_object()) return;
    for (const auto& [check, said] : checks.items()) {
      begin(check);
      take_check(draft, name, check, said);
    }
  };
  Json flat = Json::object();
  for (const auto& [key, value] : column.items())
    if (!is_setting(key)) flat[key] = value;
  take(flat);
  if (const Json* checks = find(column, "checks")) {
    take(*checks);
    // Since 0.24 a list of {options: {check_name}, value ...}.
    if (checks->is_array())
      for (const auto& one : *checks) {
        const Json* options = find(one, "options");
        const auto check = options == nullptr ? "" : string_or(*options, "check_name", "");
        begin(check.empty() ? "check" : check);
        take_check(draft, name, check, one);
      }
  }
}

}  // namespace

Result<ImportedContract> import_pandera(std::string_view text, const std::string& path, const std::string& name) {
  Json schema;
  if (path.ends_with(".json")) {
    MILLRACE_TRY(schema, parse_json(text, path));
  } else {
    MILLRACE_TRY(const auto yaml, parse_yaml(text, path));
    schema = yaml.to_json();
  }
  const Json* columns = find(schema, "columns");
  if (columns == nullptr || !columns->is_object())
    return Error{Code::invalid, "the file has no 'columns'"}
        .at({.file = path})
        .hint("write it by Pandera: schema.to_yaml(FILE) or schema.to_json(FILE)");
  Draft draft("pandera");
  const auto table = string_or(schema, "name", name.empty() ? "data" : name);
  for (const auto& [column, about] : columns->items()) take_column(draft, table, column, about);
  if (const Json* unique = find(schema, "unique"); unique != nullptr && !unique->is_null()) {
    std::vector<std::string> together;
    if (unique->is_string()) together.push_back(unique->get<std::string>());
    if (unique->is_array())
      for (const auto& one : *unique)
        if (one.is_string()) together.push_back(one.get<std::string>());
    draft.begin(table, "", "unique");
    if (!together.empty()) draft.unique(together);
  }
  for (const char* key : {"checks", "index"})
    if (const Json* more = find(schema, key); more != nullptr && !more->empty()) {
      draft.begin(table, "", key);
      draft.leave_out(std::string(key) == "index" ? "a contract has no index"
                                                  : "checks over the whole table are not read");
    }
  return draft.finish(name.empty() ? table : name, path);
}

}  // namespace millrace::data
