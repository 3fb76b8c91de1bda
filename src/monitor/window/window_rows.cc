#include "monitor/window/window_rows.h"

#include <fmt/format.h>

#include "core/hash.h"

namespace millrace::monitor {
namespace {

constexpr std::string_view kColumns =
    "deployment, from_time, to_time, arm, model, version, revision, as_of, summary, recorded_at";

Result<Window> window_of(const store::Row& row) {
  Window out{.deployment = row.text(0),
             .from = row.integer(1),
             .to = row.integer(2),
             .arm = row.text(3),
             .model = row.text(4),
             .version = row.integer(5),
             .revision = row.integer(6),
             .as_of = row.integer(7),
             .recorded_at = row.integer(9)};
  auto summary = parse_json(row.text(8), out.node());
  if (!summary)
    return Error{Code::corrupt, fmt::format("the record of {} is not as it was written", out.node())}.hint(
        "restore the state folder from a backup; millrace audit verify says where it changed");
  out.summary = std::move(*summary);
  return out;
}

// The newest revision with its evidence, if there is one.
struct Newest {
  Window window;
  std::string evidence;
};
Result<std::optional<Newest>> find_newest(store::Session& session, const LookAt& look, const Measured& measured) {
  MILLRACE_TRY(
      const auto row,
      session.first(
          fmt::format("SELECT {}, evidence FROM monitor_windows WHERE workspace = ? AND deployment = ? "
                      "AND from_time = ? AND to_time = ? AND arm = ? AND model = ? AND version = ? "
                      "ORDER BY revision DESC LIMIT 1",
                      kColumns),
          {look.workspace, look.deployment, look.from, look.to, measured.arm, measured.model, measured.version}));
  if (!row) return std::optional<Newest>();
  MILLRACE_TRY(auto window, window_of(*row));
  return std::optional(Newest{std::move(window), row->text(10)});
}

Result<void> insert(store::Session& session, const LookAt& look, const Window& window, const std::string& evidence) {
  MILLRACE_TRY(const auto done,
               session.execute(
                   "INSERT INTO monitor_windows (workspace, deployment, from_time, to_time, arm, model, version, "
                   "revision, as_of, evidence, label_batch, label_time, summary, recorded_at) VALUES (?, ?, ?, ?, ?, "
                   "?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   {look.workspace, window.deployment, window.from, window.to, window.arm, window.model, window.version,
                    window.revision, window.as_of, evidence, look.labels.batch, look.labels.until,
                    to_text(window.summary), window.recorded_at}));
  (void)done;
  return {};
}

// Nodes that hold the bytes that requests were replayed from, as far as the graph knows any.
Result<std::vector<std::string>> nodes_of(store::Session& session, const std::string& workspace,
                                          const std::vector<std::string>& digests) {
  std::vector<std::string> out;
  for (const auto& digest : digests) {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT id FROM nodes WHERE workspace = ? AND digest = ? AND digest <> '' AND kind = "
                               "'artifact' ORDER BY id",
                               {workspace, digest}));
    for (const auto& row : rows) out.push_back(row.text(0));
  }
  return out;
}

Result<void> add_graph(store::Session& session, const LookAt& look, const Window& window, const Measured& measured,
                       lineage::Change& change) {
  const auto node = window.node();
  change.nodes.push_back({.id = node,
                          .digest = "",
                          .attributes = {{"deployment", window.deployment},
                                         {"arm", window.arm},
                                         {"model", window.model},
                                         {"version", window.version},
                                         {"from", to_iso(window.from)},
                                         {"to", to_iso(window.to)}}});
  const auto add = [&](const std::string& source, const char* kind) {
    change.edges.push_back({.source = source, .target = node, .kind = kind});
  };
  for (const auto& release : measured.releases) add(release, "answered_in");
  MILLRACE_TRY(const auto artifacts, nodes_of(session, look.workspace, measured.sent));
  for (const auto& artifact : artifacts) add(artifact, "sent_in");
  if (!measured.reference.empty()) add(measured.reference, "compared_in");
  return {};
}

}  // namespace

// Two versions may have the same arm in one period.
std::string Window::node() const {
  const auto of = arm == kAllArms ? arm : fmt::format("{}.{}.{}", arm, model, version);
  return fmt::format("prediction_window:{}/{}@{}", deployment, of, to_iso(from).substr(0, 10));
}

Json Window::to_json() const {
  return {{"node", node()},
          {"deployment", deployment},
          {"from", to_iso(from)},
          {"to", to_iso(to)},
          {"arm", arm},
          {"model", model},
          {"version", version},
          {"revision", revision},
          {"as_of", to_iso(as_of)},
          {"summary", summary},
          {"recorded_at", to_iso(recorded_at)}};
}

Result<lineage::Change> record_windows(store::Session& session, const LookAt& look,
                                       const std::vector<Measured>& measured, Recorded& out) {
  lineage::Change change;
  Json said = Json::array();
  for (const auto& one : measured) {
    Json evidence = one.evidence;
    evidence["as_of"] = look.as_of;
    evidence["missing"] = look.missing ? Json(*look.missing) : Json();
    const auto text = to_text(evidence);
    MILLRACE_TRY(auto newest, find_newest(session, look, one));
    if (newest && newest->evidence == text) {
      out.windows.push_back(std::move(newest->window));
      continue;
    }
    const Window window{.deployment = look.deployment,
                        .from = look.from,
                        .to = look.to,
                        .arm = one.arm,
                        .model = one.model,
                        .version = one.version,
                        .revision = newest ? newest->window.revision + 1 : 1,
                        .as_of = look.as_of,
                        .summary = one.summary,
                        .recorded_at = look.recorded_at};
    MILLRACE_DO(insert(session, look, window, text));
    MILLRACE_DO(add_graph(session, look, window, one, change));
    said.push_back({{"node", window.node()},
                    {"revision", window.revision},
                    {"requests", one.summary.at("requests")},
                    {"labels", one.summary.at("labels")},
                    {"digest", digest_of(to_text(window.summary))}});
    ++out.changed;
    out.windows.push_back(window);
  }
  if (said.empty()) return lineage::Change{};
  change.kind = "monitor.window.recorded";
  change.node = string_or(said.front(), "node", "");
  change.after = string_or(said.front(), "digest", "");
  change.body = {{"deployment", look.deployment},
                 {"from", to_iso(look.from)},
                 {"to", to_iso(look.to)},
                 {"as_of", to_iso(look.as_of)},
                 {"windows", std::move(said)}};
  change.event_time = look.labels.until;
  return change;
}

Result<std::vector<Window>> read_windows(store::Session& session, const std::string& workspace,
                                         const WindowFilter& filter, const std::optional<WindowCursor>& after,
                                         int64_t limit) {
  const std::string_view key = "from_time, to_time, arm, model, version";
  std::string where = "workspace = ? AND deployment = ?";
  store::Values values{workspace, filter.deployment};
  const auto add = [&](std::string_view condition, store::Value value) {
    where += fmt::format(" AND {}", condition);
    values.push_back(std::move(value));
  };
  if (filter.from != 0) add("from_time >= ?", filter.from);
  if (filter.to != 0) add("to_time <= ?", filter.to);
  if (!filter.arm.empty()) add("arm = ?", filter.arm);
  if (after) {
    where += fmt::format(" AND ({}) > (?, ?, ?, ?, ?)", key);
    for (store::Value value : {store::Value(after->from), store::Value(after->to), store::Value(after->arm),
                               store::Value(after->model), store::Value(after->version)})
      values.push_back(std::move(value));
  }
  where +=
      " AND revision = (SELECT max(revision) FROM monitor_windows n WHERE n.workspace = w.workspace AND "
      "n.deployment = w.deployment AND n.from_time = w.from_time AND n.to_time = w.to_time AND n.arm = w.arm AND "
      "n.model = w.model AND n.version = w.version)";
  values.push_back(limit);
  MILLRACE_TRY(
      const auto rows,
      session.query(fmt::format("SELECT {} FROM monitor_windows w WHERE {} ORDER BY {} LIMIT ?", kColumns, where, key),
                    values));
  std::vector<Window> out;
  for (const auto& row : rows) {
    MILLRACE_TRY(auto window, window_of(row));
    out.push_back(std::move(window));
  }
  return out;
}

Result<std::optional<LabelView>> counted_labels(store::Session& session, const std::string& workspace,
                                                const std::string& deployment, Micros from, Micros to) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT max(label_batch), max(label_time) FROM monitor_windows WHERE workspace = ? AND "
                             "deployment = ? AND from_time = ? AND to_time = ?",
                             {workspace, deployment, from, to}));
  if (!row || row->is_null(0)) return std::optional<LabelView>();
  return std::optional(LabelView{workspace, deployment, row->integer(0), row->integer(1)});
}

}  // namespace millrace::monitor
