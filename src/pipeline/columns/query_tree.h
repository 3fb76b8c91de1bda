// The engine's parse tree as read_columns walks it; for pipeline/columns only.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "pipeline/columns/read_columns.h"

namespace millrace::pipeline {

// One column of a relation: its value's sources.
struct Known {
  std::string name;
  ColumnSources sources;
};

// A table, subquery or CTE as a query sees it.
struct Relation {
  std::string name;  // its alias
  std::vector<Known> columns;
  std::string open_table;  // not empty: a table whose columns are not known
  ColumnSources rows;
};

struct Scope {
  std::vector<Relation> relations;
  std::vector<Known> aliases;           // of the select list, for the clauses that may name them
  std::set<std::string> shared;         // columns of USING: one name, two relations
  std::vector<std::string> parameters;  // of lambdas around us
  const Scope* outer = nullptr;
};

std::string lower_name(std::string text);
const Json& child_of(const Json& node, const char* key);  // null when absent
// The same sources in another role; `direct` keeps those that already had a role.
ColumnSources in_role(const ColumnSources& sources, const std::string& how);

class QueryReader {
 public:
  explicit QueryReader(const std::map<std::string, std::vector<std::string>>& tables);
  Relation read(const Json& node, const Scope* outer);
  std::vector<std::string> unresolved;

 private:
  using Ctes = std::map<std::string, Relation>;

  Relation read_node(const Json& node, const Scope* outer);
  Relation read_select(const Json& node, const Scope* outer);
  Relation read_set(const Json& node, const Scope* outer);
  Relation read_recursive(const Json& node, const Scope* outer);
  void read_ctes(const Json& node, const Scope* outer);
  void read_modifiers(const Json& node, Scope& scope, Relation& out);

  void add_from(const Json& table, Scope& scope, ColumnSources& rows);
  void add_join(const Json& table, Scope& scope, ColumnSources& rows);
  Relation base_table(const Json& table);

  void add_selected(const Json& expression, Scope& scope, Relation& out);
  std::vector<Known> expand_star(const Json& star, const Scope& scope);
  ColumnSources value_of(const Json& expression, const Scope& scope);
  void collect(const Json& expression, const Scope& scope, const std::string& how, ColumnSources& out);
  void collect_subquery(const Json& expression, const Scope& scope, const std::string& how, ColumnSources& out);
  ColumnSources resolve(const std::vector<std::string>& path, const Scope& scope);
  void note(const std::string& what);

  std::map<std::string, std::pair<std::string, std::vector<std::string>>> tables_;  // by lower name
  Ctes ctes_;
  int depth_ = 0;
};

}  // namespace millrace::pipeline
