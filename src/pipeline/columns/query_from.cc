// FROM: which relations a query sees.
#include <fmt/format.h>

#include "pipeline/columns/query_tree.h"

namespace millrace::pipeline {
namespace {

std::vector<std::string> names_of(const Json& list) {
  std::vector<std::string> out;
  if (list.is_array())
    for (const auto& item : list)
      if (item.is_string()) out.push_back(item.get<std::string>());
  return out;
}

std::string table_name(const Json& table) {
  const auto name = string_or(table, "table_name", "");
  if (!name.empty()) return name;
  const auto path = names_of(child_of(child_of(table, "qualified_name"), "path"));
  return path.empty() ? "" : path.back();
}

void give_names(Relation& relation, const Json& table) {
  const auto alias = string_or(table, "alias", "");
  if (!alias.empty()) relation.name = alias;
  const auto columns = names_of(child_of(table, "column_name_alias"));
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i < relation.columns.size())
      relation.columns[i].name = columns[i];
    else
      relation.columns.push_back({columns[i], {}});
  }
}

}  // namespace

Relation QueryReader::base_table(const Json& table) {
  const auto name = table_name(table);
  if (const auto cte = ctes_.find(lower_name(name)); cte != ctes_.end()) {
    Relation out = cte->second;
    out.name = name;
    return out;
  }
  Relation out{.name = name};
  const auto known = tables_.find(lower_name(name));
  if (known == tables_.end()) {
    note(fmt::format("the columns of '{}' are not known", name));
    out.open_table = name;
    return out;
  }
  for (const auto& column : known->second.second)
    out.columns.push_back({column, {{known->second.first, column, "direct"}}});
  return out;
}

void QueryReader::add_from(const Json& table, Scope& scope, ColumnSources& rows) {
  const auto type = string_or(table, "type", "");
  if (type.empty() || type == "EMPTY") return;
  if (type == "JOIN") return add_join(table, scope, rows);
  Relation relation;
  if (type == "BASE_TABLE") {
    relation = base_table(table);
  } else if (type == "SUBQUERY") {
    const Json& query = child_of(table, "subquery");
    // Beside what stands before it in FROM: a lateral subquery may name it.
    relation = read(child_of(query, "node").is_object() ? child_of(query, "node") : query, &scope);
  } else if (type == "EXPRESSION_LIST") {
    for (const auto& row : child_of(table, "values")) {
      size_t at = 0;
      for (const auto& value : row) {
        if (relation.columns.size() <= at) relation.columns.push_back({fmt::format("col{}", at), {}});
        const Scope* around = scope.outer == nullptr ? &scope : scope.outer;
        const auto sources = value_of(value, *around);
        relation.columns[at++].sources.insert(sources.begin(), sources.end());
      }
    }
  } else if (type == "TABLE_FUNCTION") {
    const Json& function = child_of(table, "function");
    relation.name = string_or(function, "function_name", "");
    ColumnSources arguments;
    collect(function, scope, "direct", arguments);
    // unnest(list), range(n): one column, of the arguments. What others give, the text does not say.
    if (relation.name == "unnest" || relation.name == "range" || relation.name == "generate_series") {
      relation.columns.push_back({relation.name, arguments});
    } else {
      note(fmt::format("the columns of {}() are not known", relation.name));
      relation.open_table = relation.name + "()";
    }
  } else {
    note(fmt::format("{} in FROM is not followed", lower_name(type)));
    Scope below{.outer = scope.outer};
    add_from(child_of(table, "source"), below, rows);
    relation.open_table = below.relations.empty() ? lower_name(type) : below.relations[0].name;
    for (const auto& inner : below.relations)
      for (const auto& column : inner.columns)
        for (const auto& source : column.sources) relation.rows.insert({source.table, "*", "filter"});
  }
  give_names(relation, table);
  rows.insert(relation.rows.begin(), relation.rows.end());
  scope.relations.push_back(std::move(relation));
}

void QueryReader::add_join(const Json& table, Scope& scope, ColumnSources& rows) {
  add_from(child_of(table, "left"), scope, rows);
  const auto left = scope.relations.size();
  add_from(child_of(table, "right"), scope, rows);
  if (const Json& condition = child_of(table, "condition"); condition.is_object())
    collect(condition, scope, "join", rows);
  auto names = names_of(child_of(table, "using_columns"));
  if (string_or(table, "ref_type", "") == "NATURAL")
    for (size_t r = left; r < scope.relations.size(); ++r)
      for (const auto& column : scope.relations[r].columns)
        for (size_t l = 0; l < left; ++l)
          for (const auto& other : scope.relations[l].columns)
            if (lower_name(other.name) == lower_name(column.name)) names.push_back(column.name);
  for (const auto& name : names) {
    scope.shared.insert(lower_name(name));
    const auto sources = in_role(resolve({name}, scope), "join");
    rows.insert(sources.begin(), sources.end());
  }
}

}  // namespace millrace::pipeline
