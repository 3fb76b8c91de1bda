#include "pipeline/columns/query_tree.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace millrace::pipeline {
namespace {

constexpr int kDeepest = 200;

const Json kNothing;

std::string type_of(const Json& node) { return string_or(node, "type", ""); }
std::string class_of(const Json& node) { return string_or(node, "class", ""); }

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  if (list.is_array())
    for (const auto& item : list)
      if (item.is_string()) out.push_back(item.get<std::string>());
  return out;
}

void merge(ColumnSources& into, const ColumnSources& more) { into.insert(more.begin(), more.end()); }

// Columns by position under other names; those beyond keep theirs.
void rename(Relation& relation, const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size() && i < relation.columns.size(); ++i) relation.columns[i].name = names[i];
  for (size_t i = relation.columns.size(); i < names.size(); ++i) relation.columns.push_back({names[i], {}});
}

}  // namespace

std::string lower_name(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

const Json& child_of(const Json& node, const char* key) {
  const Json* found = find(node, key);
  return found == nullptr ? kNothing : *found;
}

ColumnSources in_role(const ColumnSources& sources, const std::string& how) {
  ColumnSources out;
  for (auto source : sources) {
    if (how != "direct") source.how = how;
    out.insert(std::move(source));
  }
  return out;
}

QueryReader::QueryReader(const std::map<std::string, std::vector<std::string>>& tables) {
  for (const auto& [name, columns] : tables) tables_[lower_name(name)] = {name, columns};
}

void QueryReader::note(const std::string& what) {
  if (std::find(unresolved.begin(), unresolved.end(), what) == unresolved.end()) unresolved.push_back(what);
}

Relation QueryReader::read(const Json& node, const Scope* outer) {
  if (++depth_ > kDeepest) {
    note("the query is nested too deep");
    --depth_;
    return {};
  }
  const Ctes before = ctes_;
  read_ctes(node, outer);
  auto out = read_node(node, outer);
  ctes_ = before;
  --depth_;
  return out;
}

Relation QueryReader::read_node(const Json& node, const Scope* outer) {
  const auto type = type_of(node);
  if (type == "SELECT_NODE") return read_select(node, outer);
  if (type == "SET_OPERATION_NODE") return read_set(node, outer);
  if (type == "RECURSIVE_CTE_NODE") return read_recursive(node, outer);
  if (type == "CTE_NODE") {
    Relation cte = read(child_of(node, "query"), outer);
    rename(cte, texts(child_of(node, "aliases")));
    ctes_[lower_name(string_or(node, "cte_name", ""))] = std::move(cte);
    return read(child_of(node, "child"), outer);
  }
  note(fmt::format("a query of the kind {} is not followed", type));
  return {};
}

void QueryReader::read_ctes(const Json& node, const Scope* outer) {
  const Json& map = child_of(child_of(node, "cte_map"), "map");
  if (!map.is_array()) return;
  for (const auto& entry : map) {
    const Json& value = child_of(entry, "value");
    const Json& query = child_of(value, "query").is_object() ? child_of(value, "query") : child_of(value, "query_node");
    const Json& below = child_of(query, "node").is_object() ? child_of(query, "node") : query;
    Relation cte = read(below, outer);
    rename(cte, texts(child_of(value, "aliases")));
    ctes_[lower_name(string_or(entry, "key", ""))] = std::move(cte);
  }
}

// Positions add up; a side that removes rows only decides which rows there are.
Relation QueryReader::read_set(const Json& node, const Scope* outer) {
  std::vector<const Json*> sides;
  if (const Json& children = child_of(node, "children"); children.is_array() && !children.empty())
    for (const auto& child : children) sides.push_back(&child);
  else
    sides = {&child_of(node, "left"), &child_of(node, "right")};
  const auto kind = string_or(node, "setop_type", "");
  Relation out;
  for (size_t i = 0; i < sides.size(); ++i) {
    Relation side = read(*sides[i], outer);
    merge(out.rows, side.rows);
    if (i > 0 && (kind == "EXCEPT" || kind == "INTERSECT")) {
      for (const auto& column : side.columns) merge(out.rows, in_role(column.sources, "filter"));
      continue;
    }
    for (size_t at = 0; at < side.columns.size(); ++at) {
      auto place = out.columns.begin() + static_cast<std::ptrdiff_t>(std::min(at, out.columns.size()));
      if (kind == "UNION_BY_NAME")
        place = std::find_if(out.columns.begin(), out.columns.end(), [&](const Known& column) {
          return lower_name(column.name) == lower_name(side.columns[at].name);
        });
      if (i == 0 || place == out.columns.end())
        out.columns.push_back(side.columns[at]);
      else
        merge(place->sources, side.columns[at].sources);
    }
  }
  Scope scope{.outer = outer};
  scope.aliases = out.columns;
  read_modifiers(node, scope, out);
  return out;
}

// The recursive part sees what was made so far; after as many rounds as it has columns nothing new can come.
Relation QueryReader::read_recursive(const Json& node, const Scope* outer) {
  Relation out = read(child_of(node, "left"), outer);
  rename(out, texts(child_of(node, "aliases")));
  const auto name = lower_name(string_or(node, "cte_name", ""));
  for (size_t round = 0; round <= out.columns.size(); ++round) {
    ctes_[name] = out;
    const Relation more = read(child_of(node, "right"), outer);
    const auto before = out.columns.size();
    size_t grown = 0;
    for (size_t at = 0; at < std::min(before, more.columns.size()); ++at) {
      const auto size = out.columns[at].sources.size();
      merge(out.columns[at].sources, more.columns[at].sources);
      grown += out.columns[at].sources.size() - size;
    }
    merge(out.rows, more.rows);
    if (grown == 0) break;
  }
  return out;
}

Relation QueryReader::read_select(const Json& node, const Scope* outer) {
  Scope scope{.outer = outer};
  Relation out;
  add_from(child_of(node, "from_table"), scope, out.rows);
  for (const auto& expression : child_of(node, "select_list")) add_selected(expression, scope, out);
  for (const auto& [key, how] : {std::pair{"where_clause", "filter"},
                                 {"having", "filter"},
                                 {"qualify", "filter"},
                                 {"group_expressions", "group"}}) {
    const Json& clause = child_of(node, key);
    if (clause.is_array())
      for (const auto& one : clause) {
        // GROUP BY 2 is the second column.
        const auto position =
            string_or(child_of(one, "literal"), "text", to_text(child_of(child_of(one, "value"), "value")));
        if (class_of(one) == "CONSTANT" && re2::RE2::FullMatch(position, "[0-9]{1,4}")) {
          const auto at = static_cast<size_t>(std::stoi(position));
          if (at >= 1 && at <= out.columns.size()) merge(out.rows, in_role(out.columns[at - 1].sources, how));
        } else {
          collect(one, scope, how, out.rows);
        }
      }
    else if (clause.is_object())
      collect(clause, scope, how, out.rows);
  }
  // GROUP BY ALL: all that is selected and not aggregated; which that is only the engine knows.
  if (string_or(node, "aggregate_handling", "") == "FORCE_AGGREGATES")
    for (const auto& column : out.columns) merge(out.rows, in_role(column.sources, "group"));
  read_modifiers(node, scope, out);
  return out;
}

void QueryReader::read_modifiers(const Json& node, Scope& scope, Relation& out) {
  const Json& modifiers = child_of(node, "modifiers");
  if (!modifiers.is_array()) return;
  for (const auto& modifier : modifiers) {
    const auto type = type_of(modifier);
    if (type == "DISTINCT_MODIFIER") {
      const Json& targets = child_of(modifier, "distinct_on_targets");
      if (targets.is_array() && !targets.empty())
        for (const auto& target : targets) collect(target, scope, "group", out.rows);
      else
        for (const auto& column : out.columns) merge(out.rows, in_role(column.sources, "group"));
    } else if (type == "ORDER_MODIFIER") {
      for (const auto& order : child_of(modifier, "orders")) {
        const Json& by = child_of(order, "expression");
        const auto position =
            string_or(child_of(by, "literal"), "text", to_text(child_of(child_of(by, "value"), "value")));
        if (class_of(by) == "CONSTANT" && re2::RE2::FullMatch(position, "[0-9]{1,4}")) {
          const auto at = static_cast<size_t>(std::stoi(position));
          if (at >= 1 && at <= out.columns.size()) merge(out.rows, in_role(out.columns[at - 1].sources, "sort"));
        } else if (class_of(by) == "STAR") {
          for (const auto& column : out.columns) merge(out.rows, in_role(column.sources, "sort"));
        } else {
          collect(by, scope, "sort", out.rows);
        }
      }
    } else {
      collect(modifier, scope, "filter", out.rows);  // LIMIT (SELECT ...)
    }
  }
}

}  // namespace millrace::pipeline
