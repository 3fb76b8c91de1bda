#include "lineage/neighbours.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "core/limits.h"
#include "lineage/rows.h"

namespace millrace::lineage {
namespace {

constexpr int64_t kEdgesOfANode = 5'000;  // that are looked at, the newest

struct Link {
  Edge edge;
  int64_t sequence = 0;
  std::string other;  // its far end
};

std::string kind_of(const std::string& id) { return id.substr(0, id.find(':')); }

Error unknown(const std::string& id) {
  return Error{Code::not_found, fmt::format("there is no node '{}' in the lineage graph", id.substr(0, 300))}.hint(
      "node ids look like model:late@1, dataset:flights@3, release:late@1");
}

Result<void> add_links(store::Session& session, const std::string& workspace, const std::string& node, bool up,
                       std::vector<Link>& out) {
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT {}, sequence FROM edges WHERE workspace = ? AND {} = ? ORDER BY "
                                         "sequence DESC, source, target LIMIT ?",
                                         kEdgeColumns, up ? "target" : "source"),
                             {workspace, node, kEdgesOfANode}));
  for (const auto& row : rows) {
    Link link{to_edge(row), row.integer(5), ""};
    link.other = up ? link.edge.source : link.edge.target;
    out.push_back(std::move(link));
  }
  return {};
}

Result<std::vector<Link>> links_of(store::Session& session, const std::string& workspace, const std::string& node,
                                   Way way) {
  std::vector<Link> out;
  if (way != Way::down) MILLRACE_DO(add_links(session, workspace, node, true, out));
  if (way != Way::up) MILLRACE_DO(add_links(session, workspace, node, false, out));
  return out;
}

// The newest of each kind, then the second newest of each, and so on.
void take_turns(std::vector<Link>& links) {
  std::stable_sort(links.begin(), links.end(), [](const Link& a, const Link& b) { return a.sequence > b.sequence; });
  std::map<std::string, int> seen;
  std::vector<std::pair<int, Link>> turns;
  for (auto& link : links) {
    const int turn = seen[kind_of(link.other) + " " + link.edge.kind]++;
    turns.emplace_back(turn, std::move(link));
  }
  std::stable_sort(turns.begin(), turns.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  links.clear();
  for (auto& [turn, link] : turns) links.push_back(std::move(link));
}

Result<int64_t> count_edges(store::Session& session, const std::string& workspace, std::string_view end,
                            const std::string& node) {
  MILLRACE_TRY(
      const auto row,
      session.first(fmt::format("SELECT count(*) FROM edges WHERE workspace = ? AND {} = ?", end), {workspace, node}));
  return row->integer(0);
}

Result<Neighbour> describe(store::Session& session, const std::string& workspace, const std::string& id, int hop) {
  Neighbour out{.node = {.id = id}, .kind = kind_of(id), .hop = hop};
  MILLRACE_TRY(const auto node, find_node(session, workspace, id));
  if (node) {
    out.node = *node;
    MILLRACE_TRY(const auto row,
                 session.first("SELECT j.recorded_at FROM nodes n JOIN journal j ON j.sequence = n.sequence WHERE "
                               "n.workspace = ? AND n.id = ?",
                               {workspace, id}));
    if (row) out.at = row->integer(0);
  }
  MILLRACE_TRY(out.up, count_edges(session, workspace, "target", id));
  MILLRACE_TRY(out.down, count_edges(session, workspace, "source", id));
  return out;
}

Result<void> must_be(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(const auto node, find_node(session, workspace, id));
  if (!node) return unknown(id);
  return {};
}

// Edges between the nodes that are shown, also those that the walk did not come along.
Result<void> add_edges(store::Session& session, const std::string& workspace, Neighbourhood& out) {
  std::unordered_set<std::string> shown;
  for (const auto& each : out.nodes) shown.insert(each.node.id);
  for (const auto& each : out.nodes) {
    std::vector<Link> links;
    MILLRACE_DO(add_links(session, workspace, each.node.id, true, links));
    for (auto& link : links)
      if (shown.contains(link.other)) out.edges.push_back(std::move(link.edge));
  }
  return {};
}

// A breadth-first search; nothing when `to` is not reached.
struct Came {
  std::string from;
  Edge edge;
};
Result<std::optional<Path>> search(store::Session& session, const std::string& workspace, const std::string& from,
                                   const std::string& to, Way way) {
  std::unordered_map<std::string, Came> came{{from, {}}};
  std::vector<std::string> queue{from};
  for (size_t at = 0; at < queue.size() && !came.contains(to); ++at) {
    MILLRACE_TRY(const auto links, links_of(session, workspace, queue[at], way));
    for (const auto& link : links) {
      if (!came.emplace(link.other, Came{queue[at], link.edge}).second) continue;
      queue.push_back(link.other);
      if (queue.size() > limits::graph_nodes)
        return Error{Code::too_large,
                     fmt::format("no path from '{}' to '{}' among the {} nearest nodes", from, to, limits::graph_nodes)}
            .hint("begin closer to the other end");
    }
  }
  if (!came.contains(to)) return std::optional<Path>();
  Path out;
  std::vector<std::string> ids{to};
  while (ids.back() != from) {
    const auto& step = came.at(ids.back());
    out.edges.push_back(step.edge);
    ids.push_back(step.from);
  }
  std::reverse(ids.begin(), ids.end());
  std::reverse(out.edges.begin(), out.edges.end());
  for (size_t i = 0; i < ids.size(); ++i) {
    MILLRACE_TRY(auto node, describe(session, workspace, ids[i], static_cast<int>(i)));
    out.nodes.push_back(std::move(node));
  }
  return std::optional(std::move(out));
}

}  // namespace

Result<Neighbourhood> neighbours(const store::Database& database, const std::string& workspace,
                                 const std::string& start, const Around& around) {
  Neighbourhood out;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_DO(must_be(session, workspace, start));
    std::unordered_set<std::string> seen{start};
    std::vector<std::pair<std::string, int>> queue{{start, 0}};
    for (size_t at = 0; at < queue.size() && queue[at].second < around.hops && !out.cut; ++at) {
      const auto [id, hop] = queue[at];
      MILLRACE_TRY(auto links, links_of(session, workspace, id, around.way));
      take_turns(links);
      for (const auto& link : links) {
        if (!seen.insert(link.other).second) continue;
        if (queue.size() < around.limit)
          queue.emplace_back(link.other, hop + 1);
        else
          out.cut = true;
      }
    }
    out.total = static_cast<int64_t>(seen.size());
    for (const auto& [id, hop] : queue) {
      MILLRACE_TRY(auto node, describe(session, workspace, id, hop));
      out.nodes.push_back(std::move(node));
    }
    return add_edges(session, workspace, out);
  }));
  return out;
}

Result<Path> shortest_path(const store::Database& database, const std::string& workspace, const std::string& from,
                           const std::string& to) {
  std::optional<Path> out;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_DO(must_be(session, workspace, from));
    MILLRACE_DO(must_be(session, workspace, to));
    constexpr std::pair<Way, const char*> kWays[] = {{Way::down, "down"}, {Way::up, "up"}, {Way::both, "mixed"}};
    for (const auto& [way, name] : kWays) {
      MILLRACE_TRY(out, search(session, workspace, from, to, way));
      if (!out) continue;
      out->direction = name;
      return {};
    }
    return Error{Code::not_found, fmt::format("nothing leads from '{}' to '{}'", from, to)}.hint(
        "they share neither a source nor a result");
  }));
  return std::move(*out);
}

}  // namespace millrace::lineage
