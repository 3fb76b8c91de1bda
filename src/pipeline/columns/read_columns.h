// Which input columns each output column of a query comes from, read from the engine's own parse of the text.
//
// A column comes from another `direct`ly when the other's value goes into its value; otherwise by the role that the
// other plays: `condition` (CASE), `window` (PARTITION BY, ORDER BY of a window), and for all rows at once (output
// column "*") `filter` (WHERE, HAVING, QUALIFY, a subquery's), `join`, `group`, `sort`. CTEs (also recursive),
// subqueries (also correlated and lateral), SELECT * with EXCLUDE, REPLACE and RENAME, COLUMNS('regex'), USING, set
// operations and VALUES are followed. What cannot be resolved names the column "*" of the table that it is in and is
// said in `unresolved`; nothing is guessed.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/result.h"
#include "engine/engine.h"

namespace millrace::pipeline {

struct ColumnSource {
  std::string table, column;  // "*" = some column of it
  std::string how;            // direct | condition | window | filter | join | group | sort
  auto operator<=>(const ColumnSource&) const = default;
};
using ColumnSources = std::set<ColumnSource>;

struct OutputColumn {
  std::string name;
  ColumnSources sources;
};

struct QueryColumns {
  std::vector<OutputColumn> columns;
  ColumnSources rows;  // what decides which rows there are, and in which order
  std::vector<std::string> unresolved;

  // {columns: [NAME ...], from: {TABLE: [{column, to: [NAME ...], how} ...]}, unresolved: [...]}; "*" in `to` = rows.
  Json to_json() const;
};

// `tables` are those that the query may name, with their columns in order. The names of output columns are the engine's
// own when the session has the tables, else the text's. `invalid` when the text is not one SELECT.
Result<QueryColumns> read_columns(engine::Engine& session, const std::string& sql,
                                  const std::map<std::string, std::vector<std::string>>& tables);

}  // namespace millrace::pipeline
