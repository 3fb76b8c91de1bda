// Walks over the lineage graph.
#pragma once
#include <string>
#include <vector>

#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::lineage {

enum class Direction { upstream, downstream };

struct Walk {
  std::vector<Node> nodes;  // the start first, then by distance
  std::vector<Edge> edges;
  std::vector<int> distance;  // of each node
  bool cut = false;           // a limit was reached: there is more
};

// Breadth first from `start`. not_found when the node does not exist. Bounded by limits::graph_nodes and `depth`.
Result<Walk> walk(const store::Database& database, const std::string& workspace, const std::string& start,
                  Direction direction, int depth = 64);

}  // namespace millrace::lineage
