// The graph around one node, a handful at a time: for people who walk it step by step, whatever its size.
#pragma once
#include <string>
#include <vector>

#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::lineage {

struct Neighbour {
  Node node;
  std::string kind;  // before the colon of its id
  int64_t up = 0;    // edges that lead to it
  int64_t down = 0;  // edges that lead on
  Micros at = 0;     // when it was recorded last; 0 = an edge names it and nothing tells of it
  int hop = 0;       // from the start
};
struct Neighbourhood {
  std::vector<Neighbour> nodes;  // the start first, then by hop
  std::vector<Edge> edges;       // between these nodes
  int64_t total = 0;             // nodes within the hops, as far as was looked
  bool cut = false;              // there are more than `nodes`
};

enum class Way { up, down, both };
struct Around {
  Way way = Way::both;
  int hops = 1;       // 1 to 5
  size_t limit = 60;  // nodes, the start among them
};
// Nearer ones first. Where a node has more neighbours than there is room for, every kind of them gets its turn, the
// newest of each first. not_found when the start does not exist.
Result<Neighbourhood> neighbours(const store::Database& database, const std::string& workspace,
                                 const std::string& start, const Around& around);

struct Path {
  std::vector<Neighbour> nodes;  // from one end to the other
  std::vector<Edge> edges;       // one less
  std::string direction;         // down: each came of the one before; up: the other way; mixed: through something that
                                 // they share
};
// A shortest path: downstream if there is one, else upstream, else whichever way edges point. not_found without one;
// `too_large` when it was not found among limits::graph_nodes nodes.
Result<Path> shortest_path(const store::Database& database, const std::string& workspace, const std::string& from,
                           const std::string& to);

}  // namespace millrace::lineage
