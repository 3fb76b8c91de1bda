#include <fmt/format.h>

#include "core/json.h"
#include "track/frozen.h"
#include "track/names.h"
#include "track/rows.h"
#include "track/search/query.h"
#include "track/tracking.h"

namespace millrace::track {
namespace {

constexpr std::string_view kDefaultId = "0";
constexpr std::string_view kDefaultName = "Default";

Result<void> insert_experiment(store::Session& session, const std::string& workspace, const Experiment& experiment) {
  MILLRACE_TRY(
      const auto done,
      session.execute(
          "INSERT INTO track_experiments (workspace, id, name, artifact_location, lifecycle_stage, creation_time, "
          "last_update_time) VALUES (?, ?, ?, ?, 'active', ?, ?)",
          {workspace, experiment.id, experiment.name, experiment.artifact_location, experiment.creation_time,
           experiment.last_update_time}));
  (void)done;
  for (const auto& tag : experiment.tags)
    MILLRACE_DO(store_pair(session, "track_experiment_tags", "experiment_id", workspace, experiment.id, tag));
  return {};
}

Result<std::optional<std::string>> id_of_name(store::Session& session, const std::string& workspace,
                                              const std::string& name) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT id FROM track_experiments WHERE workspace = ? AND name = ?", {workspace, name}));
  return row ? std::optional<std::string>(row->text(0)) : std::nullopt;
}

// Behind the proxy the workspace comes with the request; elsewhere it is part of the place.
std::string location_of(const ArtifactPlaces& places, const std::string& workspace, const std::string& id) {
  const auto slash = places.root_uri.ends_with('/') ? "" : "/";
  const auto space = places.direct && workspace != "default" ? fmt::format("workspaces/{}/", workspace) : "";
  return fmt::format("{}{}{}{}", places.root_uri, slash, space, id);
}

Experiment fresh(std::string id, std::string name, std::string location, int64_t now) {
  return {.id = std::move(id),
          .name = std::move(name),
          .artifact_location = std::move(location),
          .lifecycle_stage = "active",
          .creation_time = now,
          .last_update_time = now,
          .tags = {}};
}

lineage::Change change_of(const std::string& kind, const std::string& id, Json body = Json::object()) {
  body["experiment_id"] = id;
  return {.kind = "experiment." + kind, .node = "", .before = "", .after = "", .why = "", .body = std::move(body)};
}

Result<void> set_stage(store::Session& session, const std::string& workspace, const std::string& id,
                       std::string_view stage, int64_t now) {
  const int64_t deleted_at = stage == "deleted" ? now * 1000 : 0;
  MILLRACE_TRY(
      const auto done,
      session.execute(
          "UPDATE track_experiments SET lifecycle_stage = ?, last_update_time = ?, deleted_at = ? WHERE workspace = ? "
          "AND id = ?",
          {std::string(stage), now, deleted_at, workspace, id}));
  MILLRACE_TRY(const auto runs,
               session.execute("UPDATE track_runs SET lifecycle_stage = ?, deleted_at = ? WHERE workspace = ? AND "
                               "experiment_id = ? AND lifecycle_stage <> ?",
                               {std::string(stage), deleted_at, workspace, id, std::string(stage)}));
  (void)done, (void)runs;
  return {};
}

}  // namespace

Result<int64_t> next_experiment_number(store::Session& session, const std::string& workspace) {
  MILLRACE_TRY(
      const auto rows,
      session.query("INSERT INTO track_counters (workspace, name, value) VALUES (?, 'experiment', 1) "
                    "ON CONFLICT (workspace, name) DO UPDATE SET value = track_counters.value + 1 RETURNING value",
                    {workspace}));
  return rows.at(0).integer(0);
}

Tracking::Tracking(store::Database& database, lineage::Journal& journal, Context& context, ArtifactPlaces places)
    : database_(database), journal_(journal), context_(context), places_(std::move(places)) {}

// Clients that name no experiment mean number 0, which every workspace has from its first use.
Result<void> Tracking::ensure_default(const Caller& caller) {
  {
    const std::lock_guard lock(mutex_);
    if (with_default_.contains(caller.workspace)) return {};
  }
  bool there = false;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first("SELECT 1 FROM track_experiments WHERE workspace = ? AND id = ?",
                                               {caller.workspace, std::string(kDefaultId)}));
    there = row.has_value();
    return {};
  }));
  if (!there) {
    MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
      MILLRACE_TRY(const auto row, session.first("SELECT 1 FROM track_experiments WHERE workspace = ? AND id = ?",
                                                 {caller.workspace, std::string(kDefaultId)}));
      if (row) return lineage::Change{};
      MILLRACE_DO(insert_experiment(session, caller.workspace,
                                    fresh(std::string(kDefaultId), std::string(kDefaultName),
                                          location_of(places_, caller.workspace, std::string(kDefaultId)), now_ms())));
      return change_of("created", std::string(kDefaultId), {{"name", std::string(kDefaultName)}});
    }));
    (void)line;
  }
  const std::lock_guard lock(mutex_);
  with_default_.insert(caller.workspace);
  return {};
}

Result<std::string> Tracking::create_experiment(const Caller& caller, const NewExperiment& wanted) {
  MILLRACE_DO(check_experiment_name(wanted.name));
  for (const auto& tag : wanted.tags) MILLRACE_DO(check_experiment_tag(tag));
  if (!wanted.artifact_location.empty())
    return Error{
        Code::invalid,
        fmt::format(
            "Invalid value {} for parameter 'artifact_location' supplied: this server keeps artifacts in its own store",
            to_text(Json(wanted.artifact_location)))}
        .hint("leave artifact_location out");
  MILLRACE_DO(ensure_default(caller));
  std::string id;
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto taken, id_of_name(session, caller.workspace, wanted.name));
    if (taken)
      return Error{Code::conflict, fmt::format("Experiment(name={}) already exists.", wanted.name)}.hint(
          "a deleted experiment keeps its name: restore it or take another");
    MILLRACE_TRY(const auto number, next_experiment_number(session, caller.workspace));
    id = std::to_string(number);
    auto experiment = fresh(id, wanted.name, location_of(places_, caller.workspace, id), now_ms());
    experiment.tags = wanted.tags;
    MILLRACE_DO(insert_experiment(session, caller.workspace, experiment));
    return change_of("created", id, {{"name", wanted.name}});
  }));
  (void)line;
  return id;
}

Result<std::string> Tracking::ensure_experiment(const Caller& caller, const std::string& name) {
  auto found = get_experiment_by_name(caller, name);
  if (found) return found->id;
  if (found.error().code() != Code::not_found) return std::move(found).error();
  auto made = create_experiment(caller, {.name = name, .artifact_location = "", .tags = {}});
  if (made || made.error().code() != Code::conflict) return made;
  MILLRACE_TRY(const auto other, get_experiment_by_name(caller, name));  // someone made it in between
  return other.id;
}

Result<Experiment> Tracking::get_experiment(const Caller& caller, const std::string& id) {
  const std::string wanted = id.empty() ? std::string(kDefaultId) : id;
  MILLRACE_DO(check_experiment_id(wanted));
  if (wanted == kDefaultId) MILLRACE_DO(ensure_default(caller));
  Experiment out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, load_experiment(session, caller.workspace, wanted));
    return {};
  }));
  return out;
}

Result<Experiment> Tracking::get_experiment_by_name(const Caller& caller, const std::string& name) {
  if (name == kDefaultName) MILLRACE_DO(ensure_default(caller));
  Experiment out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto id, id_of_name(session, caller.workspace, name));
    if (!id) return Error{Code::not_found, fmt::format("Could not find experiment with name '{}'", name)};
    MILLRACE_TRY(out, load_experiment(session, caller.workspace, *id));
    return {};
  }));
  return out;
}

Result<Page<Experiment>> Tracking::search_experiments(const Caller& caller, const Search& search) {
  MILLRACE_DO(check_page(search.max_results, bounds::page_runs));
  MILLRACE_DO(ensure_default(caller));
  Page<Experiment> page;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto found, find_ids(session, experiments_subject, caller.workspace, search));
    page.next = std::move(found.next);
    MILLRACE_TRY(page.items, load_experiments(session, caller.workspace, found.ids));
    return {};
  }));
  return page;
}

Result<void> Tracking::rename_experiment(const Caller& caller, const std::string& id, const std::string& name) {
  MILLRACE_DO(check_experiment_name(name));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto experiment, load_experiment(session, caller.workspace, id));
    if (experiment.lifecycle_stage != "active")
      return Error{Code::rejected, "Cannot rename a non-active experiment."}.hint("restore it first");
    if (experiment.name == name) return lineage::Change{};
    MILLRACE_TRY(const auto taken, id_of_name(session, caller.workspace, name));
    if (taken) return Error{Code::conflict, fmt::format("Experiment(name={}) already exists.", name)};
    MILLRACE_TRY(
        const auto done,
        session.execute("UPDATE track_experiments SET name = ?, last_update_time = ? WHERE workspace = ? AND id = ?",
                        {name, now_ms(), caller.workspace, id}));
    (void)done;
    return change_of("renamed", id, {{"before", experiment.name}, {"name", name}});
  }));
  (void)line;
  return {};
}

Result<void> Tracking::delete_experiment(const Caller& caller, const std::string& id) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto experiment, load_experiment(session, caller.workspace, id));
    if (experiment.lifecycle_stage != "active")
      return Error{Code::not_found, fmt::format("No Experiment with id={} exists", id)}.hint("it is deleted already");
    MILLRACE_DO(check_experiment_deletable(session, caller.workspace, id));
    MILLRACE_DO(set_stage(session, caller.workspace, id, "deleted", now_ms()));
    return change_of("deleted", id);
  }));
  (void)line;
  return {};
}

Result<void> Tracking::restore_experiment(const Caller& caller, const std::string& id) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto experiment, load_experiment(session, caller.workspace, id));
    if (experiment.lifecycle_stage == "active")
      return Error{Code::not_found, fmt::format("No Experiment with id={} exists", id)}.hint("it is not deleted");
    MILLRACE_DO(set_stage(session, caller.workspace, id, "active", now_ms()));
    return change_of("restored", id);
  }));
  (void)line;
  return {};
}

Result<void> Tracking::set_experiment_tag(const Caller& caller, const std::string& id, const KeyValue& tag) {
  MILLRACE_DO(check_experiment_tag(tag));
  if (id == kDefaultId) MILLRACE_DO(ensure_default(caller));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto experiment, load_experiment(session, caller.workspace, id));
    MILLRACE_DO(check_active(experiment));
    MILLRACE_DO(store_pair(session, "track_experiment_tags", "experiment_id", caller.workspace, id, tag));
    return change_of("tag_set", id, {{"key", tag.key}, {"value", tag.value}});
  }));
  (void)line;
  return {};
}

Result<void> Tracking::delete_experiment_tag(const Caller& caller, const std::string& id, const std::string& key) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto experiment, load_experiment(session, caller.workspace, id));
    MILLRACE_DO(check_active(experiment));
    MILLRACE_TRY(const auto removed,
                 remove_pair(session, "track_experiment_tags", "experiment_id", caller.workspace, id, key));
    if (!removed) return Error{Code::not_found, fmt::format("No tag with name: {} in experiment with id {}", key, id)};
    return change_of("tag_deleted", id, {{"key", key}});
  }));
  (void)line;
  return {};
}

}  // namespace millrace::track
