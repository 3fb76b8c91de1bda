#include <fmt/format.h>

#include "core/hash.h"
#include "core/json.h"
#include "track/frozen.h"
#include "track/names.h"
#include "track/rows.h"
#include "track/search/query.h"
#include "track/tracking.h"

namespace millrace::track {
namespace {

lineage::Change change_of(const std::string& kind, const std::string& id, Json body = Json::object()) {
  return {.kind = "logged_model." + kind,
          .node = "artifact:" + id,
          .before = "",
          .after = "",
          .why = "",
          .body = std::move(body)};
}

Result<void> check_model_id(std::string_view id) {
  if (id.starts_with("m-") && check_run_id(id)) return {};
  return Error{Code::not_found, fmt::format("Logged model with ID '{}' not found.", id.substr(0, 250))};
}

Result<LoggedModel> live_model(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_DO(check_model_id(id));
  MILLRACE_TRY(auto model, load_model(session, workspace, id));
  if (model.lifecycle_stage != "active")
    return Error{Code::not_found, fmt::format("Logged model with ID '{}' not found.", id)}.hint("it is deleted");
  return model;
}

Result<void> touch(store::Session& session, const std::string& workspace, const std::string& id,
                   std::string_view column, std::string value, int64_t now) {
  MILLRACE_TRY(
      const auto done,
      session.execute(
          fmt::format("UPDATE track_models SET {} = ?, last_update_time = ? WHERE workspace = ? AND id = ?", column),
          {std::move(value), now, workspace, id}));
  (void)done;
  return {};
}

Result<void> insert_model(store::Session& session, const std::string& workspace, const LoggedModel& model) {
  MILLRACE_TRY(
      const auto done,
      session.execute(
          "INSERT INTO track_models (workspace, id, experiment_id, name, artifact_uri, status, model_type, "
          "source_run_id, "
          "lifecycle_stage, creation_time, last_update_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          {workspace, model.id, model.experiment_id, model.name, model.artifact_uri, model.status, model.model_type,
           model.source_run_id, model.lifecycle_stage, model.creation_time, model.last_update_time}));
  (void)done;
  for (const auto& tag : model.tags)
    MILLRACE_DO(store_pair(session, "track_model_tags", "model_id", workspace, model.id, tag));
  for (const auto& param : model.params)
    MILLRACE_DO(store_pair(session, "track_model_params", "model_id", workspace, model.id, param));
  return {};
}

Result<void> store_params(store::Session& session, const std::string& workspace, const LoggedModel& model,
                          const std::vector<KeyValue>& params) {
  for (const auto& param : params) {
    for (const auto& before : model.params)
      if (before.key == param.key && before.value != param.value)
        return Error{Code::invalid, fmt::format("Changing param values is not allowed. Param with key='{}' was already "
                                                "logged with value='{}' for model ID='{}'. "
                                                "Attempted logging new value '{}'.",
                                                param.key, before.value, model.id, param.value)};
    MILLRACE_DO(store_pair(session, "track_model_params", "model_id", workspace, model.id, param));
  }
  return {};
}

}  // namespace

Result<LoggedModel> Tracking::create_model(const Caller& caller, const NewModel& wanted) {
  MILLRACE_DO(check_experiment_id(wanted.experiment_id));
  if (!wanted.name.empty()) MILLRACE_DO(check_model_name(wanted.name));
  MILLRACE_DO(check_batch({.metrics = {}, .params = wanted.params, .tags = {}}));
  for (const auto& tag : wanted.tags) MILLRACE_DO(check_tag(tag, "tags."));
  if (wanted.experiment_id == "0") MILLRACE_DO(ensure_default(caller));
  LoggedModel model{.id = "m-" + make_hex(context_.random, 16),
                    .experiment_id = wanted.experiment_id,
                    .name = wanted.name.empty() ? make_name(context_.random) : wanted.name,
                    .artifact_uri = "",
                    .status = "LOGGED_MODEL_PENDING",
                    .model_type = wanted.model_type,
                    .source_run_id = wanted.source_run_id,
                    .lifecycle_stage = "active",
                    .creation_time = now_ms(),
                    .last_update_time = now_ms(),
                    .tags = wanted.tags,
                    .params = wanted.params,
                    .metrics = {}};
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto experiment, load_experiment(session, caller.workspace, wanted.experiment_id));
    MILLRACE_DO(check_active(experiment));
    model.artifact_uri = fmt::format("{}/models/{}/artifacts", experiment.artifact_location, model.id);
    auto change = change_of("created", model.id, {{"name", model.name}, {"source_run_id", model.source_run_id}});
    change.nodes.push_back({.id = model.node(),
                            .digest = "",
                            .attributes = {{"name", model.name}, {"experiment_id", model.experiment_id}}});
    if (!model.source_run_id.empty()) {
      MILLRACE_TRY(const auto run, load_run_info(session, caller.workspace, model.source_run_id));
      change.edges.push_back(
          {.source = run.node(), .target = model.node(), .kind = "logged_by", .columns = {}, .run = run.id});
    }
    MILLRACE_DO(insert_model(session, caller.workspace, model));
    return change;
  }));
  (void)line;
  return model;
}

Result<LoggedModel> Tracking::get_model(const Caller& caller, const std::string& id, View view) {
  LoggedModel out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_DO(check_model_id(id));
    MILLRACE_TRY(out, view == View::active ? live_model(session, caller.workspace, id)
                                           : load_model(session, caller.workspace, id));
    return {};
  }));
  return out;
}

Result<LoggedModel> Tracking::finalize_model(const Caller& caller, const std::string& id, const std::string& status) {
  if (status != "LOGGED_MODEL_READY" && status != "LOGGED_MODEL_UPLOAD_FAILED" && status != "LOGGED_MODEL_PENDING")
    return Error{Code::invalid, fmt::format("Invalid value {} for parameter 'status' supplied: a model becomes "
                                            "LOGGED_MODEL_READY or LOGGED_MODEL_UPLOAD_FAILED",
                                            to_text(Json(status.substr(0, 250))))};
  LoggedModel model;
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(model, live_model(session, caller.workspace, id));
    if (model.status != status) MILLRACE_DO(check_not_frozen(session, caller.workspace, model));
    const auto before = std::exchange(model.status, status);
    model.last_update_time = now_ms();
    MILLRACE_DO(touch(session, caller.workspace, id, "status", status, model.last_update_time));
    return change_of("finalized", id, {{"before", before}, {"status", status}});
  }));
  (void)line;
  return model;
}

Result<void> Tracking::delete_model(const Caller& caller, const std::string& id) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto model, live_model(session, caller.workspace, id));
    MILLRACE_DO(check_not_frozen(session, caller.workspace, model));
    MILLRACE_DO(touch(session, caller.workspace, model.id, "lifecycle_stage", "deleted", now_ms()));
    MILLRACE_TRY(const auto noted,
                 session.execute("UPDATE track_models SET deleted_at = ? WHERE workspace = ? AND id = ?",
                                 {context_.now(), caller.workspace, model.id}));
    (void)noted;
    return change_of("deleted", id);
  }));
  (void)line;
  return {};
}

Result<void> Tracking::set_model_tags(const Caller& caller, const std::string& id, const std::vector<KeyValue>& tags) {
  if (tags.size() > bounds::batch_tags)
    return Error{Code::invalid, fmt::format("a call sets at most {} tags", bounds::batch_tags)};
  for (const auto& tag : tags) MILLRACE_DO(check_tag(tag, "tags."));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto model, live_model(session, caller.workspace, id));
    Json body = Json::object();
    for (const auto& tag : tags) {
      MILLRACE_DO(store_pair(session, "track_model_tags", "model_id", caller.workspace, model.id, tag));
      body[tag.key] = digest_of(tag.value);
    }
    return change_of("tags_set", id, {{"tags", std::move(body)}});
  }));
  (void)line;
  return {};
}

Result<void> Tracking::delete_model_tag(const Caller& caller, const std::string& id, const std::string& key) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto model, live_model(session, caller.workspace, id));
    MILLRACE_TRY(const auto removed,
                 remove_pair(session, "track_model_tags", "model_id", caller.workspace, model.id, key));
    if (!removed)
      return Error{Code::not_found, fmt::format("No tag with key '{}' found for model with ID '{}'.", key, id)};
    return change_of("tag_deleted", id, {{"key", key}});
  }));
  (void)line;
  return {};
}

Result<void> Tracking::log_model_params(const Caller& caller, const std::string& id,
                                        const std::vector<KeyValue>& params) {
  MILLRACE_DO(check_batch({.metrics = {}, .params = params, .tags = {}}));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto model, live_model(session, caller.workspace, id));
    MILLRACE_DO(check_not_frozen(session, caller.workspace, model));
    MILLRACE_DO(store_params(session, caller.workspace, model, params));
    Json keys = Json::array();
    for (const auto& param : params) keys.push_back(param.key);
    return change_of("params_logged", id, {{"params", std::move(keys)}});
  }));
  (void)line;
  return {};
}

Result<Page<LoggedModel>> Tracking::search_models(const Caller& caller, const Search& search) {
  MILLRACE_DO(check_page(search.max_results, bounds::page_models));
  Page<LoggedModel> page;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto found, find_ids(session, models_subject, caller.workspace, search));
    page.next = std::move(found.next);
    MILLRACE_TRY(page.items, load_models(session, caller.workspace, found.ids));
    return {};
  }));
  return page;
}

}  // namespace millrace::track
