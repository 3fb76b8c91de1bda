#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/hash.h"
#include "core/json.h"
#include "track/names.h"
#include "track/rows.h"
#include "track/tracking.h"

namespace millrace::track {
namespace {

constexpr std::string_view kOwnSource = "millrace:dataset:";
constexpr std::string_view kSourceTag =
    "source.";  // an input's tag source.NAME@VERSION names a version that the data was made from

Result<bool> node_exists(store::Session& session, const std::string& workspace, const std::string& node) {
  MILLRACE_TRY(const auto row, session.first("SELECT 1 FROM nodes WHERE workspace = ? AND id = ?", {workspace, node}));
  return row.has_value();
}

// The dataset version of Millrace that this is, or "": named by its source, or of the same name with a digest that
// begins alike.
Result<std::string> known_version(store::Session& session, const std::string& workspace, const Dataset& dataset,
                                  UnknownVersion unknown) {
  for (const auto& text : {dataset.source, [&] {
                             const auto json = parse_json(dataset.source, "dataset source");
                             return json ? string_or(*json, "uri", string_or(*json, "url", "")) : std::string();
                           }()}) {
    if (!text.starts_with(kOwnSource)) continue;
    const auto node = "dataset:" + text.substr(kOwnSource.size());
    MILLRACE_TRY(const auto there, node_exists(session, workspace, node));
    if (!there && unknown == UnknownVersion::own_node) continue;
    if (!there)
      return Error{Code::not_found, fmt::format("there is no dataset version '{}'", text.substr(kOwnSource.size()))}
          .at_field("datasets.dataset.source")
          .hint("millrace data list shows the versions");
    return node;
  }
  auto digest = dataset.digest.starts_with("sha256:") ? dataset.digest.substr(7) : dataset.digest;
  if (digest.size() < 8) return std::string();
  MILLRACE_TRY(const auto rows, session.query("SELECT id, digest FROM nodes WHERE workspace = ? AND kind = 'dataset' "
                                              "AND id >= ? AND id < ? ORDER BY sequence DESC",
                                              {workspace, fmt::format("dataset:{}@", dataset.name),
                                               fmt::format("dataset:{}A", dataset.name)}));
  for (const auto& row : rows)
    if (row.text(1).starts_with("sha256:" + digest)) return row.text(0);
  return std::string();
}

struct Linked {
  std::string node;
  bool is_new = false;  // a node of its own
};

Result<Linked> link_of(store::Session& session, const std::string& workspace, const Dataset& dataset,
                       UnknownVersion unknown) {
  MILLRACE_TRY(auto known, known_version(session, workspace, dataset, unknown));
  if (!known.empty()) return Linked{std::move(known), false};
  return Linked{fmt::format("dataset:mlflow/{}@{}", dataset.name, dataset.digest), true};
}

Result<void> add_lineage(store::Session& session, const std::string& workspace, const RunInfo& run,
                         const DatasetInput& input, const Linked& linked, lineage::Change& change) {
  if (linked.is_new)
    change.nodes.push_back({.id = linked.node,
                            .digest = "",
                            .attributes = {{"name", input.dataset.name},
                                           {"digest", input.dataset.digest},
                                           {"source_type", input.dataset.source_type}}});
  change.edges.push_back(
      {.source = linked.node, .target = run.node(), .kind = "trained_on", .columns = {}, .run = run.id});
  for (const auto& tag : input.tags) {
    if (!tag.key.starts_with(kSourceTag)) continue;
    const auto version = "dataset:" + tag.key.substr(kSourceTag.size());
    MILLRACE_TRY(const auto row,
                 session.first("SELECT digest FROM nodes WHERE workspace = ? AND id = ?", {workspace, version}));
    if (row && row->text(0) == tag.value && version != linked.node)
      change.edges.push_back(
          {.source = version, .target = linked.node, .kind = "made_from", .columns = {}, .run = run.id});
  }
  return {};
}

Result<void> store_input(store::Session& session, const std::string& workspace, const RunInfo& run,
                         const DatasetInput& input, const std::string& node) {
  const auto& set = input.dataset;
  MILLRACE_TRY(const auto kept, session.execute("INSERT INTO track_datasets (workspace, experiment_id, name, digest, "
                                                "source_type, source, dataset_schema, profile, node) "
                                                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                                {workspace, run.experiment_id, set.name, set.digest, set.source_type,
                                                 set.source, set.schema, set.profile, node}));
  MILLRACE_TRY(
      const auto linked,
      session.execute(
          "INSERT INTO track_run_datasets (workspace, run_id, name, digest, place) SELECT ?, ?, ?, ?, count(*) "
          "FROM track_run_datasets WHERE workspace = ? AND run_id = ? ON CONFLICT DO NOTHING",
          {workspace, run.id, set.name, set.digest, workspace, run.id}));
  (void)kept;
  if (linked == 0) return {};  // the same dataset again: the first one's tags stay
  for (const auto& tag : input.tags) {
    MILLRACE_TRY(
        const auto done,
        session.execute("INSERT INTO track_run_dataset_tags (workspace, run_id, name, digest, key, value) VALUES (?, "
                        "?, ?, ?, ?, ?) "
                        "ON CONFLICT (workspace, run_id, name, digest, key) DO UPDATE SET value = excluded.value",
                        {workspace, run.id, set.name, set.digest, tag.key, tag.value}));
    (void)done;
  }
  return {};
}

Result<void> link_model(store::Session& session, const std::string& workspace, const RunInfo& run,
                        std::string_view direction, const ModelOutput& model) {
  MILLRACE_TRY(const auto known, load_model(session, workspace, model.model_id));
  (void)known;
  MILLRACE_TRY(const auto done,
               session.execute(
                   "INSERT INTO track_run_models (workspace, run_id, direction, model_id, step) VALUES (?, ?, ?, ?, ?) "
                   "ON CONFLICT (workspace, run_id, direction, model_id) DO UPDATE SET step = excluded.step",
                   {workspace, run.id, std::string(direction), model.model_id, model.step}));
  (void)done;
  return {};
}

}  // namespace

Result<void> store_datasets(store::Session& session, const std::string& workspace, const RunInfo& run,
                            const std::vector<DatasetInput>& datasets, UnknownVersion unknown,
                            lineage::Change& change) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& input : datasets) {
    if (!seen.emplace(input.dataset.name, input.dataset.digest).second) continue;
    MILLRACE_TRY(const auto linked, link_of(session, workspace, input.dataset, unknown));
    MILLRACE_DO(store_input(session, workspace, run, input, linked.node));
    MILLRACE_DO(add_lineage(session, workspace, run, input, linked, change));
    change.body["datasets"].push_back(
        {{"name", input.dataset.name}, {"digest", input.dataset.digest}, {"node", linked.node}});
  }
  return {};
}

Result<void> Tracking::log_inputs(const Caller& caller, const std::string& run,
                                  const std::vector<DatasetInput>& datasets, const std::vector<std::string>& models) {
  MILLRACE_DO(check_run_id(run));
  MILLRACE_DO(check_datasets(datasets));
  if (models.size() > bounds::datasets)
    return Error{Code::invalid, fmt::format("a call names at most {} models", bounds::datasets)};
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto info, writable_run(session, caller.workspace, run));
    lineage::Change change{.kind = "run.inputs",
                           .node = info.node(),
                           .before = "",
                           .after = "",
                           .why = "",
                           .body = {{"datasets", Json::array()}, {"models", models}}};
    MILLRACE_DO(store_datasets(session, caller.workspace, info, datasets, UnknownVersion::refused, change));
    for (const auto& model : models) {
      MILLRACE_DO(link_model(session, caller.workspace, info, "input", {model, 0}));
      change.edges.push_back(
          {.source = "artifact:" + model, .target = info.node(), .kind = "used_by", .columns = {}, .run = info.id});
    }
    return change;
  }));
  (void)line;
  return {};
}

Result<void> Tracking::log_outputs(const Caller& caller, const std::string& run,
                                   const std::vector<ModelOutput>& models) {
  MILLRACE_DO(check_run_id(run));
  if (models.size() > bounds::datasets)
    return Error{Code::invalid, fmt::format("a call names at most {} models", bounds::datasets)};
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto info, writable_run(session, caller.workspace, run));
    lineage::Change change{.kind = "run.outputs",
                           .node = info.node(),
                           .before = "",
                           .after = "",
                           .why = "",
                           .body = {{"models", Json::array()}}};
    for (const auto& model : models) {
      MILLRACE_DO(link_model(session, caller.workspace, info, "output", model));
      change.body["models"].push_back(model.model_id);
      change.edges.push_back({.source = info.node(),
                              .target = "artifact:" + model.model_id,
                              .kind = "logged_by",
                              .columns = {},
                              .run = info.id});
    }
    return change;
  }));
  (void)line;
  return {};
}

}  // namespace millrace::track
