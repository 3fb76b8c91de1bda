// Expressions: which columns go into a value, and in which role.
#include <fmt/format.h>
#include <re2/re2.h>

#include "pipeline/columns/query_tree.h"

namespace millrace::pipeline {
namespace {

std::string class_of(const Json& node) { return string_or(node, "class", ""); }

std::vector<std::string> path_of(const Json& node) {
  std::vector<std::string> out;
  const Json& names = child_of(node, "column_names");
  if (names.is_array())
    for (const auto& name : names)
      if (name.is_string()) out.push_back(name.get<std::string>());
  return out;
}

const Known* find_column(const std::vector<Known>& columns, const std::string& name) {
  for (const auto& column : columns)
    if (lower_name(column.name) == lower_name(name)) return &column;
  return nullptr;
}

void add(ColumnSources& into, const ColumnSources& more) { into.insert(more.begin(), more.end()); }

// The constant of COLUMNS('regex').
std::string constant_text(const Json& node) {
  const auto text = string_or(child_of(node, "literal"), "text", "");
  return text.empty() ? string_or(child_of(node, "value"), "value", "") : text;
}

const Json* star_in(const Json& expression, int depth = 0) {
  constexpr int kDeepest = 200;
  if (depth > kDeepest || !expression.is_structured()) return nullptr;
  if (expression.is_object() && class_of(expression) == "STAR") return &expression;
  if (expression.is_object() && class_of(expression) == "SUBQUERY") return nullptr;
  for (const auto& below : expression)
    if (const auto* found = star_in(below, depth + 1)) return found;
  return nullptr;
}

}  // namespace

ColumnSources QueryReader::resolve(const std::vector<std::string>& path, const Scope& scope) {
  for (const Scope* at = &scope; at != nullptr; at = at->outer) {
    if (std::find(at->parameters.begin(), at->parameters.end(), path[0]) != at->parameters.end()) return {};
    // relation.column, also after a schema's name
    for (size_t skip = 0; skip + 1 < path.size(); ++skip)
      for (const auto& relation : at->relations) {
        if (lower_name(relation.name) != lower_name(path[skip])) continue;
        if (const auto* column = find_column(relation.columns, path[skip + 1])) return column->sources;
        if (!relation.open_table.empty()) return {{relation.open_table, path[skip + 1], "direct"}};
      }
    ColumnSources found;
    bool any = false;
    for (const auto& relation : at->relations)
      if (const auto* column = find_column(relation.columns, path[0])) {
        add(found, column->sources);
        any = true;
        if (!at->shared.contains(lower_name(path[0]))) break;
      }
    if (any) return found;
    if (const auto* alias = find_column(at->aliases, path[0])) return alias->sources;
    // In a table whose columns are not known: named, where there is one such table; some column of each, else.
    std::vector<const Relation*> open;
    for (const auto& relation : at->relations)
      if (!relation.open_table.empty()) open.push_back(&relation);
    if (open.size() == 1) return {{open[0]->open_table, path[0], "direct"}};
    for (const auto* relation : open) found.insert({relation->open_table, "*", "direct"});
    if (!open.empty()) {
      note(fmt::format("it is not known whose column '{}' is", path[0]));
      return found;
    }
  }
  note(fmt::format("the column '{}' was not found", path[0]));
  return {};
}

void QueryReader::collect_subquery(const Json& expression, const Scope& scope, const std::string& how,
                                   ColumnSources& out) {
  const Json& query = child_of(expression, "subquery");
  const auto below = read(child_of(query, "node").is_object() ? child_of(query, "node") : query, &scope);
  const bool scalar = string_or(expression, "subquery_type", "") == "SCALAR";
  for (const auto& column : below.columns)
    add(out, in_role(column.sources, scalar ? how : how == "direct" ? "filter" : how));
  add(out, in_role(below.rows, how));
}

void QueryReader::collect(const Json& expression, const Scope& scope, const std::string& how, ColumnSources& out) {
  if (expression.is_array()) {
    for (const auto& below : expression) collect(below, scope, how, out);
    return;
  }
  if (!expression.is_object()) return;
  const auto kind = class_of(expression);
  if (kind == "COLUMN_REF") {
    const auto path = path_of(expression);
    if (!path.empty()) add(out, in_role(resolve(path, scope), how));
    return;
  }
  if (kind == "SUBQUERY") {
    collect_subquery(expression, scope, how, out);
    collect(child_of(expression, "child"), scope, how, out);
    collect(child_of(expression, "children"), scope, how, out);
    return;
  }
  if (kind == "LAMBDA") {
    Scope inside{.outer = &scope};
    ColumnSources ignored;
    // The parameters stand where columns would.
    const Json& parameters = child_of(expression, "lhs");
    if (class_of(parameters) == "COLUMN_REF") inside.parameters = path_of(parameters);
    for (const char* key : {"children", "arguments"})
      if (const Json& list = child_of(parameters, key); list.is_array())
        for (const auto& one : list) {
          const Json& name = child_of(one, "expression").is_object() ? child_of(one, "expression") : one;
          for (auto& part : path_of(name)) inside.parameters.push_back(part);
        }
    collect(child_of(expression, "expr"), inside, how, out);
    return;
  }
  const auto role_of = [&](const std::string& key) -> std::string {
    if (how != "direct") return how;
    if (key == "when_expr") return "condition";
    if (key == "partitions" || key == "orders" || key == "filter_expr" || key == "start_expr" || key == "end_expr")
      return "window";
    if (key == "filter") return "condition";
    return key == "order_bys" ? "sort" : "direct";
  };
  for (const auto& [key, below] : expression.items())
    if (below.is_structured()) collect(below, scope, role_of(key), out);
}

ColumnSources QueryReader::value_of(const Json& expression, const Scope& scope) {
  ColumnSources out;
  collect(expression, scope, "direct", out);
  return out;
}

std::vector<Known> QueryReader::expand_star(const Json& star, const Scope& scope) {
  std::vector<Known> out;
  const auto only = lower_name(string_or(star, "relation_name", ""));
  std::set<std::string> excluded, seen;
  for (const char* key : {"exclude_list", "qualified_exclude_list"})
    if (const Json& list = child_of(star, key); list.is_array())
      for (const auto& one : list)
        excluded.insert(lower_name(one.is_string() ? one.get<std::string>() : string_or(one, "column", "")));
  for (const auto& relation : scope.relations) {
    if (!only.empty() && lower_name(relation.name) != only) continue;
    for (const auto& column : relation.columns) {
      const auto name = lower_name(column.name);
      if (excluded.contains(name)) continue;
      // USING: one column, though two relations have it.
      if (only.empty() && scope.shared.contains(name) && !seen.insert(name).second) continue;
      out.push_back(column);
      if (only.empty() && scope.shared.contains(name)) out.back().sources = resolve({column.name}, scope);
    }
    if (!relation.open_table.empty()) {
      note(fmt::format("'*' of '{}' stands for columns that are not known", relation.open_table));
      out.push_back({"*", {{relation.open_table, "*", "direct"}}});
    }
  }
  if (const Json& list = child_of(star, "replace_list"); list.is_array())
    for (const auto& entry : list)
      for (auto& column : out)
        if (lower_name(column.name) == lower_name(string_or(entry, "key", "")))
          column.sources = value_of(child_of(entry, "value"), scope);
  if (const Json& list = child_of(star, "rename_list"); list.is_array())
    for (const auto& entry : list)
      for (auto& column : out)
        if (lower_name(column.name) == lower_name(string_or(child_of(entry, "key"), "column", "")))
          column.name = string_or(entry, "value", column.name);
  const Json& pattern = child_of(star, "expr");
  if (!pattern.is_object()) return out;
  if (class_of(pattern) == "CONSTANT") {
    const re2::RE2 wanted(constant_text(pattern), re2::RE2::Quiet);
    if (wanted.ok())
      std::erase_if(out, [&](const Known& column) { return !re2::RE2::PartialMatch(column.name, wanted); });
  } else {
    note("COLUMNS with an expression: all columns are taken for chosen");
  }
  return out;
}

void QueryReader::add_selected(const Json& expression, Scope& scope, Relation& out) {
  if (class_of(expression) == "STAR") {
    for (auto& column : expand_star(expression, scope)) out.columns.push_back(std::move(column));
    return;
  }
  // max(COLUMNS(*)): one column for each.
  if (const auto* star = star_in(expression)) {
    const auto others = value_of(expression, scope);
    for (auto& column : expand_star(*star, scope)) {
      add(column.sources, others);
      out.columns.push_back(std::move(column));
    }
    return;
  }
  const auto alias = string_or(expression, "alias", "");
  const auto path = path_of(expression);
  Known column{.name = !alias.empty() ? alias
                       : path.empty() ? ""
                                      : path.back(),
               .sources = value_of(expression, scope)};
  scope.aliases.push_back(column);
  out.columns.push_back(std::move(column));
}

}  // namespace millrace::pipeline
