// Tests of dbt: from schema.yml as people write it, or from the manifest.json that dbt makes of it. The generic four,
// and the tests of dbt_utils and dbt_expectations that a contract can say.
#include <fmt/format.h>
#include <re2/re2.h>

#include "core/yaml.h"
#include "data/import/draft.h"

namespace millrace::data {
namespace {

struct Test {
  std::string table, column, name;  // name with its package: dbt_utils.not_null_proportion
  Json arguments = Json::object();
  std::string severity, where;
};

std::optional<double> number(const Json& arguments, const char* key) {
  const Json* found = find(arguments, key);
  return found != nullptr && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::vector<std::string> names(const Json& arguments, const char* key) {
  std::vector<std::string> out;
  if (const Json* list = find(arguments, key); list != nullptr && list->is_array())
    for (const auto& one : *list)
      if (one.is_string()) out.push_back(one.get<std::string>());
  return out;
}

// ref('customers') or source('shop', 'customers'): the last name.
std::string referenced(const std::string& to) {
  std::string name;
  re2::RE2::PartialMatch(to, R"(['"]([^'"]+)['"]\s*\)\s*$)", &name);
  return name.empty() ? to : name;
}

// dbt_utils.accepted_range and dbt_expectations.expect_column_values_to_be_between have the same sense.
void take_range(Draft& draft, const Test& test) {
  const bool strict = test.arguments.value("strictly", false) || !test.arguments.value("inclusive", true);
  draft.range(number(test.arguments, "min_value"), number(test.arguments, "max_value"), strict, strict);
}

void take(Draft& draft, const Test& test) {
  const auto& a = test.arguments;
  const auto package = test.name.find('.');
  const auto name = package == std::string::npos ? test.name : test.name.substr(package + 1);
  draft.begin(test.table, test.column, test.name);
  if (test.severity == "warn" || test.severity == "WARN") draft.severity("warning");
  if (!test.where.empty()) return draft.leave_out("it is about some rows: where " + test.where);
  for (const char* key : {"row_condition", "group_by_columns", "group_by"})
    if (a.contains(key) && !a[key].is_null()) return draft.leave_out(fmt::format("it has '{}'", key));
  if (name == "not_null" || name == "expect_column_values_to_not_be_null") return draft.required();
  if (name == "unique" || name == "expect_column_values_to_be_unique") return draft.unique();
  if (name == "accepted_values") return draft.one_of(a.value("values", Json()));
  if (name == "expect_column_values_to_be_in_set") return draft.one_of(a.value("value_set", Json()));
  if (name == "relationships") return draft.foreign_key(referenced(string_or(a, "to", "")), string_or(a, "field", ""));
  if (name == "accepted_range" || name == "expect_column_values_to_be_between") return take_range(draft, test);
  if (name == "not_null_proportion") return draft.required(number_or(a, "at_least", 1));
  if (name == "unique_combination_of_columns") return draft.unique(names(a, "combination_of_columns"));
  if (name == "expect_compound_columns_to_be_unique") return draft.unique(names(a, "column_list"));
  if (name == "expression_is_true") {
    const auto text = string_or(a, "expression", "");
    if (text.empty()) return draft.leave_out("it has no expression");
    return test.column.empty() ? draft.expression(text, {})
                               : draft.expression(draft.quoted() + " " + text, {test.column});
  }
  if (name == "expect_column_values_to_match_regex") return draft.pattern(string_or(a, "regex", ""));
  if (name == "expect_column_to_exist") return draft.exists();
  if (name == "expect_column_values_to_be_of_type") return draft.type(string_or(a, "column_type", ""));
  if (name == "expect_table_row_count_to_be_between") return draft.rows(number(a, "min_value"), number(a, "max_value"));
  if (name == "expect_column_value_lengths_to_be_between") {
    const auto low = number(a, "min_value"), high = number(a, "max_value");
    return draft.length(low ? std::optional(static_cast<int64_t>(*low)) : std::nullopt,
                        high ? std::optional(static_cast<int64_t>(*high)) : std::nullopt);
  }
  if (name == "not_empty_string") return draft.expression(draft.quoted() + " <> ''", {test.column});
  draft.leave_out("the contract has no rule of this kind");
}

void begin_column(Draft& draft, const std::string& table, const Json& column) {
  const auto name = string_or(column, "name", "");
  draft.begin(table, name, "column");
  draft.exists();
  draft.describe(string_or(column, "description", ""));
  const auto type = string_or(column, "data_type", "");
  if (!type.empty()) draft.begin(table, name, "data_type"), draft.type(type);
}

// `unique`, or {accepted_values: {values: [...]}}, with `arguments` and `config` since dbt 1.10.
void take_written(Draft& draft, const std::string& table, const std::string& column, const Json& written) {
  Test test{.table = table,
            .column = column,
            .name = written.is_string() ? written.get<std::string>() : "",
            .severity = {},
            .where = {}};
  if (written.is_object()) {
    for (const auto& [key, value] : written.items()) {
      if (key == "name" || key == "config" || key == "description") continue;
      test.name = key;
      if (value.is_object()) test.arguments = value;
    }
    if (const auto custom = string_or(test.arguments, "test_name", string_or(written, "test_name", ""));
        !custom.empty())
      test.name = custom;
  }
  const auto about = [&](const Json& from) {
    test.severity = string_or(from, "severity", test.severity);
    test.where = string_or(from, "where", test.where);
  };
  about(test.arguments);
  if (const Json* config = find(test.arguments, "config")) about(*config);
  if (const Json* config = find(written, "config")) about(*config);
  if (const Json* inside = find(test.arguments, "arguments"); inside != nullptr && inside->is_object()) {
    const Json arguments = *inside;
    test.arguments.update(arguments);
  }
  take(draft, test);
}

void take_tests(Draft& draft, const std::string& table, const std::string& column, const Json& element) {
  for (const char* key : {"tests", "data_tests"})
    if (const Json* tests = find(element, key); tests != nullptr && tests->is_array())
      for (const auto& test : *tests) take_written(draft, table, column, test);
}

void take_schema(Draft& draft, const Json& file) {
  std::vector<Json> tables;
  for (const char* key : {"models", "seeds", "snapshots"})
    if (const Json* list = find(file, key); list != nullptr && list->is_array())
      tables.insert(tables.end(), list->begin(), list->end());
  if (const Json* sources = find(file, "sources"); sources != nullptr && sources->is_array())
    for (const auto& source : *sources)
      if (const Json* list = find(source, "tables"); list != nullptr && list->is_array())
        tables.insert(tables.end(), list->begin(), list->end());
  for (const auto& table : tables) {
    const auto name = string_or(table, "name", "");
    draft.begin(name, "", "model");
    draft.describe(string_or(table, "description", ""));
    if (const Json* columns = find(table, "columns"); columns != nullptr && columns->is_array())
      for (const auto& column : *columns) {
        begin_column(draft, name, column);
        take_tests(draft, name, string_or(column, "name", ""), column);
      }
    take_tests(draft, name, "", table);
  }
}

void take_manifest(Draft& draft, const Json& nodes) {
  const auto last = [](const std::string& id) { return id.substr(id.rfind('.') + 1); };
  for (const auto& [id, node] : nodes.items()) {
    const auto type = string_or(node, "resource_type", "");
    if (type != "model" && type != "seed" && type != "snapshot") continue;
    draft.begin(string_or(node, "name", last(id)), "", "model");
    draft.describe(string_or(node, "description", ""));
    if (const Json* columns = find(node, "columns"); columns != nullptr && columns->is_object())
      for (const auto& [name, column] : columns->items())
        begin_column(draft, string_or(node, "name", last(id)), column);
  }
  for (const auto& [id, node] : nodes.items()) {
    if (string_or(node, "resource_type", "") != "test") continue;
    const Json* about = find(node, "test_metadata");
    const auto attached = last(string_or(node, "attached_node", ""));
    if (about == nullptr || !about->is_object()) {
      draft.begin(attached.empty() ? "data" : attached, "", string_or(node, "name", id));
      draft.leave_out("a test of its own SQL");
      continue;
    }
    Test test{.table = attached,
              .column = string_or(node, "column_name", ""),
              .name = string_or(*about, "name", ""),
              .severity = {},
              .where = {}};
    if (const auto package = string_or(*about, "namespace", ""); !package.empty())
      test.name = package + "." + test.name;
    if (const Json* kwargs = find(*about, "kwargs")) test.arguments = *kwargs;
    if (const Json* config = find(node, "config")) {
      test.severity = string_or(*config, "severity", "");
      test.where = string_or(*config, "where", "");
    }
    take(draft, test);
  }
}

}  // namespace

Result<ImportedContract> import_dbt(std::string_view text, const std::string& path, const std::string& name) {
  Json file;
  if (path.ends_with(".json")) {
    MILLRACE_TRY(file, parse_json(text, path));
  } else {
    MILLRACE_TRY(const auto yaml, parse_yaml(text, path));
    file = yaml.to_json();
  }
  Draft draft("dbt");
  const Json* nodes = find(file, "nodes");
  if (nodes != nullptr && nodes->is_object())
    take_manifest(draft, *nodes);
  else
    take_schema(draft, file);
  return draft.finish(name.empty() ? "dbt" : name, path);
}

}  // namespace millrace::data
