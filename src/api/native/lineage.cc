#include "api/native/reply.h"
#include "api/native/routes.h"
#include "lineage/columns.h"

namespace millrace::api::native {
namespace {

constexpr std::string_view kPrediction = "prediction:";

Json edge_json(const lineage::Edge& edge) {
  return {{"source", edge.source},
          {"target", edge.target},
          {"kind", edge.kind},
          {"columns", edge.columns},
          {"run", edge.run}};
}

Json walk_json(const lineage::Walk& walk) {
  Json nodes = Json::array(), edges = Json::array();
  for (size_t i = 0; i < walk.nodes.size(); ++i)
    nodes.push_back({{"id", walk.nodes[i].id},
                     {"digest", walk.nodes[i].digest},
                     {"attributes", walk.nodes[i].attributes},
                     {"distance", walk.distance[i]}});
  for (const auto& edge : walk.edges) edges.push_back(edge_json(edge));
  return {{"nodes", nodes}, {"edges", edges}, {"cut", walk.cut}};
}

// A prediction is no node: its release is. The walk starts at that release, with the prediction put in front.
// Instead of an id a deployment's name stands for its newest prediction.
Result<Json> walk_prediction(Services& s, const Request& in, std::string id) {
  if (const auto counted = s.data_plane.count_predictions(id, ""); counted && integer_or(*counted, "count", 0) > 0)
    id = string_or(*counted, "newest", string_or(*counted, "first", id));
  MILLRACE_TRY(const auto prediction, s.data_plane.find_prediction(id));
  const auto release = string_or(prediction, "release", "");
  MILLRACE_TRY(auto walk, lineage::walk(s.database, in.caller.workspace, release, lineage::Direction::upstream));
  for (auto& distance : walk.distance) ++distance;
  walk.nodes.insert(walk.nodes.begin(), {.id = std::string(kPrediction) + id,
                                         .digest = "",
                                         .attributes = {{"event_time", prediction.value("event_time", Json())},
                                                        {"status", prediction.value("status", Json())}}});
  walk.distance.insert(walk.distance.begin(), 0);
  walk.edges.insert(walk.edges.begin(),
                    {.source = release, .target = std::string(kPrediction) + id, .kind = "answered_by"});
  return walk_json(walk);
}

Result<Json> walk(Services& s, const Request& in) {
  const auto start = in.arg("node");
  const auto direction = in.query_value("direction").value_or("upstream");
  if (direction != "upstream" && direction != "downstream")
    return Error{Code::invalid, "'" + direction + "' is not a direction"}
        .at_field("direction")
        .hint("upstream or downstream");
  if (start.starts_with(kPrediction)) return walk_prediction(s, in, start.substr(kPrediction.size()));
  MILLRACE_TRY(const auto found,
               lineage::walk(s.database, in.caller.workspace, start,
                             direction == "upstream" ? lineage::Direction::upstream : lineage::Direction::downstream));
  return walk_json(found);
}

Result<Json> columns(Services& s, const Request& in) {
  const auto direction = in.query_value("direction").value_or("upstream");
  if (direction != "upstream" && direction != "downstream")
    return Error{Code::invalid, "'" + direction + "' is not a direction"}
        .at_field("direction")
        .hint("upstream or downstream");
  const auto column = in.query_value("column").value_or("");
  if (column.empty()) return Error{Code::invalid, "the column is missing"}.at_field("column").hint("?column=NAME");
  MILLRACE_TRY(const auto found, lineage::walk_columns(s.database, in.caller.workspace, in.arg("node"), column,
                                                       direction == "upstream" ? lineage::Direction::upstream
                                                                               : lineage::Direction::downstream));
  Json steps = Json::array();
  for (const auto& step : found.steps)
    steps.push_back({{"node", step.node},
                     {"column", step.column},
                     {"from", {{"node", step.from_node}, {"column", step.from_column}}},
                     {"how", step.how},
                     {"type", step.direct ? "DIRECT" : "INDIRECT"},
                     {"distance", step.distance}});
  return Json{{"node", in.arg("node")}, {"column", column}, {"steps", steps}, {"cut", found.cut}};
}

}  // namespace

Routes lineage_routes(Services& s) {
  const std::string base = "/api/millrace/v1";
  return {
      {"GET", base + "/lineage/{node...}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return walk(s, in); }); },
       "A walk over the graph from one node, ?direction=upstream|downstream."},
      {"GET", base + "/columns/{node...}", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return columns(s, in); }); },
       "What one column was made from, or went into: ?column=NAME&direction=upstream|downstream."},
  };
}

}  // namespace millrace::api::native
