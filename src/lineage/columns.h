// Walks over the lineage graph by column. An edge from what was used to what came of it may say in `columns` which of
// its columns went where: each a JSON text {column, to: [NAME ...], how}; "*" in `to` stands for the rows as such
// (filtered, joined, grouped, sorted by it), "*" in `column` for some column that is not known, `how` is direct,
// condition, window, filter, join, group, sort, or unused. Edges of kind `made` hand all columns on as they are. An
// edge that says nothing leads to the column "*" of its other end: something of it, and not known what.
#pragma once
#include <string>
#include <vector>

#include "lineage/graph.h"

namespace millrace::lineage {

struct ColumnStep {
  std::string node, column;            // reached
  std::string from_node, from_column;  // from there
  std::string how;                     // of this step; "made" hands on, "unknown" where no edge tells
  bool direct = true;                  // every step so far carried the value itself
  int distance = 0;
};

struct ColumnWalk {
  std::vector<ColumnStep> steps;  // by distance; each node and column once, by its most direct way
  bool cut = false;               // a limit was reached: there is more
};

// Upstream: what the column was made from; downstream: what was made of it. not_found when the node does not exist.
// Bounded by limits::graph_nodes.
Result<ColumnWalk> walk_columns(const store::Database& database, const std::string& workspace, const std::string& node,
                                const std::string& column, Direction direction);

}  // namespace millrace::lineage
