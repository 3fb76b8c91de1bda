// Registered models: made, described, renamed, tagged, deleted.
#include <array>

#include <fmt/format.h>

#include "core/hash.h"
#include "registry/models/entries.h"
#include "registry/models/rows.h"
#include "registry/models/version_end.h"
#include "registry/requests/needs.h"
#include "track/frozen.h"

namespace millrace::registry {
namespace {

std::string model_id(const std::string& name) { return "registered_model:" + name; }

lineage::Change line_of(const std::string& kind, const std::string& name, Json body) {
  return {.kind = kind, .node = model_id(name), .body = std::move(body)};
}

// A name that the project or a release knows is part of theirs.
Result<void> check_renameable(store::Session& session, const std::string& workspace, const Project* project,
                              const std::string& name) {
  MILLRACE_TRY(const auto spec, spec_of(project, name));
  if (spec)
    return Error{Code::conflict, fmt::format("the model '{}' has its name from the project file", name)}
        .at(spec->where)
        .hint("register under another name instead");
  MILLRACE_TRY(const auto deployment, released_as(session, workspace, name));
  if (deployment)
    return Error{Code::conflict, fmt::format("the releases of '{}' name the model '{}'", *deployment, name)}.hint(
        "register under another name instead");
  return {};
}

Result<void> check_unused(store::Session& session, const std::string& workspace, const std::string& name) {
  MILLRACE_TRY(const auto row, session.first("SELECT deleted_at, last_version FROM registered_models WHERE workspace = "
                                             "? AND name = ?",
                                             {workspace, name}));
  if (!row) return {};
  if (row->integer(0) == 0)
    return Error{Code::conflict, fmt::format("Registered Model (name={}) already exists.", name)};
  if (row->integer(1) == 0) return {};
  return Error{Code::conflict, fmt::format("Registered Model (name={}) already exists.", name)}.hint(fmt::format(
      "it was deleted, but its numbers 1 to {} name versions in the audit chain: take another name", row->integer(1)));
}

Result<void> move_rows(store::Session& session, const std::string& workspace, const std::string& from,
                       const std::string& to) {
  static constexpr std::array tables = {"model_tags",        "model_version_tags", "model_aliases",
                                        "model_alias_moves", "approvals",          "model_stage_moves",
                                        "change_requests",   "gate_evaluations",   "model_versions"};
  for (const auto* table : tables) {
    MILLRACE_TRY(const auto rows,
                 session.execute(fmt::format("UPDATE {} SET model = ? WHERE workspace = ? AND model = ?", table),
                                 {to, workspace, from}));
    (void)rows;
  }
  return {};
}

Result<void> check_new_model(const Caller& caller, const NewRegisteredModel& wanted) {
  MILLRACE_DO(check_registered_name(wanted.name, "name"));
  MILLRACE_DO(check_description(wanted.description));
  MILLRACE_DO(check_registered_tags(wanted.tags));
  return may_write(caller, fmt::format("the model '{}'", wanted.name));
}

Result<void> check_free(store::Session& session, const std::string& workspace, const NewRegisteredModel& wanted) {
  MILLRACE_TRY(const auto there, find_registered(session, workspace, wanted.name));
  if (!there) return {};
  const bool was = is_prompt(there->tags), is = is_prompt(wanted.tags);
  if (was == is)
    return Error{Code::conflict,
                 fmt::format("{} (name={}) already exists.", is ? "Prompt" : "Registered Model", wanted.name)};
  return Error{Code::conflict,
               fmt::format("Tried to create a {} with name '{}', but the name is already taken by a {}. MLflow "
                           "does not allow creating a model and a prompt with the same name.",
                           is ? "prompt" : "registered model", wanted.name, was ? "prompt" : "registered model")};
}

lineage::Change model_made(const std::string& kind, const NewRegisteredModel& wanted) {
  Json tags = Json::object();
  for (const auto& tag : wanted.tags) tags[tag.key] = digest_of(tag.value);
  return line_of(kind, wanted.name, {{"description", wanted.description}, {"tags", std::move(tags)}});
}

}  // namespace

Result<void> Registry::create_model(const Caller& caller, const NewRegisteredModel& wanted) {
  MILLRACE_DO(check_new_model(caller, wanted));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_free(session, caller.workspace, wanted));
    MILLRACE_DO(insert_registered(session, caller, wanted, parts_.context.now()));
    return model_made("model.created", wanted);
  }));
  (void)line;
  return {};
}

Result<void> Registry::import_model(const Caller& caller, const RegisteredModel& model, int64_t last_version,
                                    const Also& also) {
  const NewRegisteredModel wanted{.name = model.name, .description = model.description, .tags = model.tags};
  MILLRACE_DO(check_new_model(caller, wanted));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_free(session, caller.workspace, wanted));
    MILLRACE_DO(insert_registered(session, caller, wanted, parts_.context.now()));
    MILLRACE_TRY(const auto rows,
                 session.execute(
                     "UPDATE registered_models SET created_at = ?, updated_at = ?, last_version = CASE WHEN "
                     "last_version < ? THEN ? ELSE last_version END WHERE workspace = ? AND name = ?",
                     {model.created_at, model.updated_at, last_version, last_version, caller.workspace, model.name}));
    (void)rows;
    MILLRACE_DO(also(session));
    return model_made("model.imported", wanted);
  }));
  (void)line;
  return {};
}

Result<void> Registry::describe_model(const Caller& caller, const std::string& name, const std::string& description) {
  MILLRACE_DO(check_registered_name(name, "name"));
  MILLRACE_DO(check_description(description));
  MILLRACE_DO(may_write(caller, fmt::format("the model '{}'", name)));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto before, get_registered(session, caller.workspace, name));
    MILLRACE_TRY(const auto rows,
                 session.execute("UPDATE registered_models SET description = ?, updated_at = ? WHERE workspace = ? AND "
                                 "name = ?",
                                 {description, parts_.context.now(), caller.workspace, name}));
    (void)rows;
    return line_of("model.updated", name, {{"before", before.description}, {"description", description}});
  }));
  (void)line;
  return {};
}

Result<void> Registry::rename_model(const Caller& caller, const Project* project, const std::string& name,
                                    const std::string& to) {
  MILLRACE_DO(check_registered_name(to, "new_name"));
  MILLRACE_DO(check_registered_name(name, "name"));
  MILLRACE_DO(may_write(caller, fmt::format("the model '{}'", name)));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto model, get_registered(session, caller.workspace, name));
    MILLRACE_DO(check_unused(session, caller.workspace, to));
    MILLRACE_DO(check_renameable(session, caller.workspace, project, name));
    MILLRACE_DO(check_renameable(session, caller.workspace, project, to));
    const auto now = parts_.context.now();
    MILLRACE_TRY(const auto removed, session.execute("DELETE FROM registered_models WHERE workspace = ? AND name = ?",
                                                     {caller.workspace, to}));
    MILLRACE_TRY(const auto copied,
                 session.execute("INSERT INTO registered_models (workspace, name, description, author, created_at, "
                                 "updated_at, last_version, deleted_at) SELECT workspace, ?, description, author, "
                                 "created_at, ?, last_version, 0 FROM registered_models WHERE workspace = ? AND name = "
                                 "?",
                                 {to, now, caller.workspace, name}));
    MILLRACE_TRY(const auto left, session.execute("UPDATE registered_models SET deleted_at = ? WHERE workspace = ? AND "
                                                  "name = ?",
                                                  {now, caller.workspace, name}));
    (void)removed, (void)copied, (void)left;
    MILLRACE_TRY(const auto versions, session.query("SELECT version, digests FROM model_versions WHERE workspace = ? "
                                                    "AND model = ? ORDER BY version",
                                                    {caller.workspace, name}));
    auto change = line_of("model.renamed", to, {{"before", name}, {"name", to}});
    for (const auto& row : versions) {
      const auto was = model_node(name, row.integer(0)), is = model_node(to, row.integer(0));
      MILLRACE_DO(track::rename_frozen(session, caller.workspace, was, is));
      change.nodes.push_back({.id = is, .attributes = {{"model", to}, {"version", row.integer(0)}}});
      change.edges.push_back({.source = was, .target = is, .kind = "made_from"});
    }
    MILLRACE_DO(move_rows(session, caller.workspace, name, to));
    MILLRACE_TRY(const auto touched, session.execute("UPDATE model_versions SET updated_at = ? WHERE workspace = ? AND "
                                                     "model = ?",
                                                     {now, caller.workspace, to}));
    (void)touched;
    return change;
  }));
  (void)line;
  return {};
}

Result<void> Registry::delete_model(const Caller& caller, const Project* project, const std::string& name) {
  MILLRACE_DO(check_registered_name(name, "name"));
  MILLRACE_DO(may_write(caller, fmt::format("the model '{}'", name)));
  MILLRACE_TRY(const auto protection, protection_of(project, name));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto model, get_registered(session, caller.workspace, name));
    MILLRACE_TRY(const auto versions, load_entries(session, caller.workspace, name));
    Json ended = Json::array();
    for (const auto& version : versions) {
      MILLRACE_DO(check_unneeded(session, caller.workspace, protection, version));
      MILLRACE_DO(end_version(session, caller, version, parts_.context.now()));
      ended.push_back({{"version", version.version}, {"content", version.content}, {"source", version.source}});
    }
    MILLRACE_TRY(const auto tags,
                 session.execute("DELETE FROM model_tags WHERE workspace = ? AND model = ?", {caller.workspace, name}));
    MILLRACE_TRY(
        const auto rows,
        session.execute("UPDATE registered_models SET deleted_at = ?, description = '' WHERE workspace = ? AND "
                        "name = ?",
                        {parts_.context.now(), caller.workspace, name}));
    (void)tags, (void)rows;
    return line_of("model.deleted", name, {{"versions", std::move(ended)}});
  }));
  (void)line;
  return {};
}

Result<void> Registry::tag_model(const Caller& caller, const std::string& name, const track::KeyValue& tag) {
  MILLRACE_DO(check_registered_name(name, "name"));
  MILLRACE_DO(check_registered_tags({tag}));
  MILLRACE_DO(may_write(caller, fmt::format("the model '{}'", name)));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto model, get_registered(session, caller.workspace, name));
    MILLRACE_TRY(
        const auto rows,
        session.execute("INSERT INTO model_tags (workspace, model, key, value) VALUES (?, ?, ?, ?) ON CONFLICT "
                        "(workspace, model, key) DO UPDATE SET value = excluded.value",
                        {caller.workspace, name, tag.key, tag.value}));
    (void)rows;
    return line_of("model.tag.set", name, tag_change(model.tags, tag));
  }));
  (void)line;
  return {};
}

Result<void> Registry::untag_model(const Caller& caller, const std::string& name, const std::string& key) {
  MILLRACE_DO(check_registered_name(name, "name"));
  MILLRACE_DO(check_registered_tag_key(key));
  MILLRACE_DO(may_write(caller, fmt::format("the model '{}'", name)));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto model, get_registered(session, caller.workspace, name));
    MILLRACE_TRY(const auto rows,
                 session.execute("DELETE FROM model_tags WHERE workspace = ? AND model = ? AND key = ?",
                                 {caller.workspace, name, key}));
    if (rows == 0) return lineage::Change{};
    return line_of("model.tag.deleted", name, tag_change(model.tags, {key, ""}));
  }));
  (void)line;
  return {};
}

}  // namespace millrace::registry
