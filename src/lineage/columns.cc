#include "lineage/columns.h"

#include <map>

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::lineage {
namespace {

struct Use {
  std::string column, how;
  std::vector<std::string> to;
};

std::vector<Use> uses_of(const std::string& columns) {
  std::vector<Use> out;
  const auto list = parse_json(columns, "edge");
  if (!list || !list->is_array()) return out;
  for (const auto& text : *list) {
    const auto one = text.is_string() ? parse_json(text.get<std::string>(), "edge") : Result<Json>(text);
    if (!one || !one->is_object()) continue;
    Use use{.column = string_or(*one, "column", "*"), .how = string_or(*one, "how", "direct"), .to = {}};
    if (const Json* to = find(*one, "to"); to != nullptr && to->is_array())
      for (const auto& name : *to)
        if (name.is_string()) use.to.push_back(name.get<std::string>());
    out.push_back(std::move(use));
  }
  return out;
}

bool same_column(const std::string& a, const std::string& b) { return a == b || a == "*" || b == "*"; }

class Walker {
 public:
  Walker(store::Session& session, std::string workspace, Direction direction)
      : session_(session), workspace_(std::move(workspace)), up_(direction == Direction::upstream) {}

  Result<ColumnWalk> run(const std::string& node, const std::string& column) {
    reach({.node = node, .column = column, .from_node = {}, .from_column = {}, .how = {}});
    // Ways that carry the value first, so that a column which is reached twice keeps its most direct way.
    for (size_t at = 0; at < out_.steps.size() && !out_.cut; ++at) MILLRACE_DO(go(at));
    out_.steps.erase(out_.steps.begin());
    return std::move(out_);
  }

 private:
  void reach(ColumnStep step) {
    const auto [known, fresh] = seen_.emplace(std::pair(step.node, step.column), out_.steps.size());
    if (!fresh) {
      auto& before = out_.steps[known->second];
      if (!before.direct && step.direct && step.distance == before.distance) before = std::move(step);
      return;
    }
    if (out_.steps.size() > limits::graph_nodes) {
      out_.cut = true;
      return;
    }
    out_.steps.push_back(std::move(step));
  }

  Result<void> go(size_t at) {
    const ColumnStep from = out_.steps[at];
    MILLRACE_TRY(
        const auto rows,
        session_.query(up_ ? "SELECT source, kind, columns FROM edges WHERE workspace = ? AND target = ? ORDER "
                             "BY sequence, source"
                           : "SELECT target, kind, columns FROM edges WHERE workspace = ? AND source = ? ORDER "
                             "BY sequence, target",
                       {workspace_, from.node}));
    for (const auto& row : rows) {
      const auto kind = row.text(1);
      if (kind == "made") {
        step(from, row.text(0), from.column, "made");
      } else if (kind == "made_from" || kind == "trained_on" || kind == "released_as") {
        follow(from, row.text(0), row.text(2));
      }
    }
    return {};
  }

  void follow(const ColumnStep& from, const std::string& node, const std::string& columns) {
    const auto uses = uses_of(columns);
    if (uses.empty()) return step(from, node, "*", "unknown");
    for (const auto& use : uses) {
      if (up_) {
        // The rows of an out decide about each of its columns.
        const bool meant = std::any_of(use.to.begin(), use.to.end(),
                                       [&](const std::string& name) { return same_column(name, from.column); });
        if (meant) step(from, node, use.column, use.how);
      } else if (same_column(use.column, from.column)) {
        for (const auto& name : use.to) step(from, node, name, use.how);
      }
    }
  }

  void step(const ColumnStep& from, const std::string& node, const std::string& column, const std::string& how) {
    reach({.node = node,
           .column = column,
           .from_node = from.node,
           .from_column = from.column,
           .how = how,
           .direct = from.direct && (how == "direct" || how == "made"),
           .distance = from.distance + 1});
  }

  store::Session& session_;
  std::string workspace_;
  bool up_;
  ColumnWalk out_;
  std::map<std::pair<std::string, std::string>, size_t> seen_;
};

}  // namespace

Result<ColumnWalk> walk_columns(const store::Database& database, const std::string& workspace, const std::string& node,
                                const std::string& column, Direction direction) {
  ColumnWalk out;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto known,
                 session.first("SELECT attributes FROM nodes WHERE workspace = ? AND id = ?", {workspace, node}));
    if (!known)
      return Error{Code::not_found, fmt::format("there is no node '{}' in the lineage graph", node)}.hint(
          "node ids look like artifact:training/training.parquet@..., dataset:flights@3; see millrace lineage");
    // Where the columns are known, a wrong name is an error and not an empty answer.
    const auto attributes = parse_json(known->text(0), node);
    const Json* names = attributes ? find(*attributes, "columns") : nullptr;
    if (names != nullptr && names->is_array() && column != "*" &&
        std::find(names->begin(), names->end(), Json(column)) == names->end()) {
      std::vector<std::string> all;
      for (const auto& name : *names) all.push_back(name.is_string() ? name.get<std::string>() : to_text(name));
      return Error{Code::not_found, fmt::format("'{}' has no column '{}'", node, column)}.hint(
          fmt::format("it has {}", fmt::join(all, ", ")));
    }
    MILLRACE_TRY(out, Walker(session, workspace, direction).run(node, column));
    return {};
  }));
  return out;
}

}  // namespace millrace::lineage
