#include <fmt/format.h>

#include "api/native/paging.h"
#include "api/native/routes.h"
#include "lineage/neighbours.h"

namespace millrace::api::native {
namespace {

constexpr std::string_view kPrediction = "prediction:";
constexpr int64_t kHopsMost = 5;

// "late@1" of "model:late@1".
std::string title_of(const std::string& id) {
  const auto colon = id.find(':');
  return colon == std::string::npos ? id : id.substr(colon + 1);
}

// Where a thing that has states stands; what graph nodes say of themselves never changes.
Result<Json> state_of(store::Session& session, const std::string& workspace, const lineage::Neighbour& each) {
  if (each.kind == "alert") {
    MILLRACE_TRY(const auto row, session.first("SELECT state, severity FROM alerts WHERE workspace = ? AND id = ?",
                                               {workspace, title_of(each.node.id)}));
    if (row) return Json(row->text(0) == "resolved" ? row->text(0) : row->text(1));
  }
  for (const char* key : {"verdict", "state", "status", "step"})
    if (const auto text = string_or(each.node.attributes, key, ""); !text.empty()) return Json(text);
  return Json(nullptr);
}

Result<Json> node_json(store::Session& session, const std::string& workspace, const lineage::Neighbour& each) {
  Json out{{"node", each.node.id},
           {"kind", each.kind},
           {"title", title_of(each.node.id)},
           {"up", each.up},
           {"down", each.down},
           {"hop", each.hop},
           {"digest", each.node.digest},
           {"attributes", each.node.attributes}};
  out["at"] = each.at == 0 ? Json(nullptr) : Json(to_iso(each.at));
  MILLRACE_TRY(out["state"], state_of(session, workspace, each));
  return out;
}

Json edge_json(const lineage::Edge& edge) {
  return {
      {"from", edge.source}, {"to", edge.target}, {"kind", edge.kind}, {"columns", edge.columns}, {"run", edge.run}};
}

template <class Found>
Result<Json> graph_json(Services& s, const Request& in, const Found& found) {
  Json nodes = Json::array(), edges = Json::array();
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    for (const auto& each : found.nodes) {
      MILLRACE_TRY(auto node, node_json(session, in.caller.workspace, each));
      nodes.push_back(std::move(node));
    }
    return {};
  }));
  for (const auto& edge : found.edges) edges.push_back(edge_json(edge));
  return Json{{"nodes", std::move(nodes)}, {"edges", std::move(edges)}};
}

Result<lineage::Around> around_of(const Request& in) {
  lineage::Around out;
  const auto direction = in.query_value("direction").value_or("both");
  if (direction != "both" && direction != "up" && direction != "down")
    return Error{Code::invalid, fmt::format("'{}' is not a direction", direction.substr(0, 100))}
        .at_field("direction")
        .hint("both, up or down");
  out.way = direction == "up" ? lineage::Way::up : direction == "down" ? lineage::Way::down : lineage::Way::both;
  MILLRACE_TRY(const auto hops, query_integer(in, "hops", 1));
  if (hops < 1 || hops > kHopsMost)
    return Error{Code::invalid, fmt::format("'hops' must be from 1 to {}, not {}", kHopsMost, hops)}.at_field("hops");
  out.hops = static_cast<int>(hops);
  MILLRACE_TRY(const auto limit, page_limit(in, 60));
  out.limit = static_cast<size_t>(limit);
  return out;
}

// A prediction is no node of the graph: its release is, and stands for what it came of.
Result<Json> around_prediction(Services& s, const Request& in, lineage::Around around) {
  const auto id = in.arg("node").substr(kPrediction.size());
  MILLRACE_TRY(const auto prediction, s.data_plane.find_prediction(id));
  const auto release = string_or(prediction, "release", "");
  around.limit = std::max<size_t>(1, around.limit - 1);
  MILLRACE_TRY(auto found, lineage::neighbours(s.database, in.caller.workspace, release, around));
  for (auto& each : found.nodes) ++each.hop;
  found.nodes.insert(
      found.nodes.begin(),
      {.node = {.id = in.arg("node"), .digest = "", .attributes = {{"status", prediction.value("status", Json())}}},
       .kind = "prediction",
       .up = 1});
  found.edges.insert(found.edges.begin(), {.source = release, .target = in.arg("node"), .kind = "answered_by"});
  MILLRACE_TRY(auto out, graph_json(s, in, found));
  out["total"] = found.total + 1;
  out["cut"] = found.cut;
  return out;
}

Result<Json> neighbours(Services& s, const Request& in) {
  MILLRACE_TRY(const auto around, around_of(in));
  if (in.arg("node").starts_with(kPrediction)) return around_prediction(s, in, around);
  MILLRACE_TRY(const auto found, lineage::neighbours(s.database, in.caller.workspace, in.arg("node"), around));
  MILLRACE_TRY(auto out, graph_json(s, in, found));
  out["total"] = found.total;
  out["cut"] = found.cut;
  return out;
}

Result<std::string> end_of(const Request& in, const char* name) {
  auto text = in.query_value(name).value_or("");
  if (text.empty())
    return Error{Code::invalid, fmt::format("'{}' is missing: a path has two ends", name)}.at_field(name).hint(
        "?from=dataset:flights@3&to=model:late@1");
  return text;
}

Result<Json> paths(Services& s, const Request& in) {
  MILLRACE_TRY(const auto from, end_of(in, "from"));
  MILLRACE_TRY(const auto to, end_of(in, "to"));
  MILLRACE_TRY(const auto found, lineage::shortest_path(s.database, in.caller.workspace, from, to));
  MILLRACE_TRY(auto out, graph_json(s, in, found));
  out["direction"] = found.direction;
  return out;
}

}  // namespace

Routes graph_routes(Services& s) {
  const std::string base = "/api/millrace/v1";
  return {
      {"GET", base + "/neighbours/{node...}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return neighbours(s, in); }); },
       "The graph around a node, a handful at a time: ?direction=both|up|down&hops=1&limit=60."},
      {"GET", base + "/paths", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return paths(s, in); }); },
       "A shortest path between two nodes: ?from=NODE&to=NODE."},
  };
}

}  // namespace millrace::api::native
