#include "lineage/graph.h"

#include <unordered_set>

#include <fmt/format.h>

#include "core/limits.h"
#include "lineage/rows.h"

namespace millrace::lineage {

Result<std::optional<Node>> find_node(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(const auto row, session.first("SELECT id, digest, attributes FROM nodes WHERE workspace = ? AND id = ?",
                                             {workspace, id}));
  if (!row) return std::optional<Node>{};
  Node node{.id = row->text(0), .digest = row->text(1)};
  if (auto attributes = parse_json(row->text(2), id)) node.attributes = std::move(*attributes);
  return std::optional<Node>{std::move(node)};
}

Edge to_edge(const store::Row& row) {
  Edge edge{.source = row.text(0), .target = row.text(1), .kind = row.text(2), .columns = {}, .run = row.text(4)};
  if (auto columns = parse_json(row.text(3), "edge"); columns && columns->is_array())
    for (const auto& column : *columns)
      edge.columns.push_back(column.is_string() ? column.get<std::string>() : to_text(column));
  return edge;
}

Result<Walk> walk(const store::Database& database, const std::string& workspace, const std::string& start,
                  Direction direction, int depth) {
  Walk out;
  const std::string_view sql = direction == Direction::upstream
                                   ? "SELECT source, target, kind, columns, run FROM edges WHERE workspace = ? AND "
                                     "target = ? ORDER BY sequence, source"
                                   : "SELECT source, target, kind, columns, run FROM edges WHERE workspace = ? AND "
                                     "source = ? ORDER BY sequence, target";
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto first, find_node(session, workspace, start));
    if (!first)
      return Error{Code::not_found, fmt::format("there is no node '{}' in the lineage graph", start)}.hint(
          "node ids look like model:late@1, dataset:flights@3, release:late@1");
    std::unordered_set<std::string> seen{start};
    out.nodes.push_back(std::move(*first));
    out.distance.push_back(0);
    for (size_t at = 0; at < out.nodes.size(); ++at) {
      MILLRACE_TRY(const auto rows, session.query(sql, {workspace, out.nodes[at].id}));
      if (out.distance[at] >= depth) {
        out.cut = out.cut || !rows.empty();
        continue;
      }
      for (const auto& row : rows) {
        out.edges.push_back(to_edge(row));
        const std::string& next = direction == Direction::upstream ? out.edges.back().source : out.edges.back().target;
        if (!seen.insert(next).second) continue;
        if (out.nodes.size() >= limits::graph_nodes) {
          out.cut = true;
          return {};
        }
        MILLRACE_TRY(auto node, find_node(session, workspace, next));
        out.nodes.push_back(node ? std::move(*node) : Node{.id = next, .digest = ""});
        out.distance.push_back(out.distance[at] + 1);
      }
    }
    return {};
  }));
  return out;
}

}  // namespace millrace::lineage
