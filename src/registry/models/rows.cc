#include "registry/models/rows.h"

#include <map>

#include <fmt/format.h>

namespace millrace::registry {
namespace {

constexpr std::string_view kModelColumns = "name, description, author, created_at, updated_at";

RegisteredModel to_registered(const store::Row& row) {
  return {.name = row.text(0),
          .description = row.text(1),
          .author = row.text(2),
          .created_at = row.integer(3),
          .updated_at = row.integer(4),
          .tags = {}};
}

Error no_model(const std::string& name) {
  return Error{Code::not_found, fmt::format("Registered Model with name={} not found", name)}.hint(
      "register one with mlflow.register_model, or: millrace model register NAME");
}

Result<void> store_tags(store::Session& session, const std::string& workspace, const std::string& name,
                        const std::vector<track::KeyValue>& tags) {
  for (const auto& tag : tags) {
    MILLRACE_TRY(
        const auto rows,
        session.execute("INSERT INTO model_tags (workspace, model, key, value) VALUES (?, ?, ?, ?) ON CONFLICT "
                        "(workspace, model, key) DO UPDATE SET value = excluded.value",
                        {workspace, name, tag.key, tag.value}));
    (void)rows;
  }
  return {};
}

using ById = std::map<std::pair<std::string, int64_t>, VersionEntry*>;

// Which rows of a side table belong to what was asked for.
struct Asked {
  const std::string& workspace;
  const std::string& model;  // "" = all
  int64_t version = 0;       // 0 = all
  store::Values values() const { return {workspace, model, model, version, version}; }
};
constexpr std::string_view kOfAsked = "workspace = ? AND (model = ? OR ? = '') AND (version = ? OR ? = 0)";

Result<void> add_version_tags(store::Session& session, const Asked& asked, const ById& by_id) {
  MILLRACE_TRY(
      const auto rows,
      session.query(
          fmt::format("SELECT model, version, key, value FROM model_version_tags WHERE {} ORDER BY key", kOfAsked),
          asked.values()));
  for (const auto& row : rows)
    if (const auto found = by_id.find({row.text(0), row.integer(1)}); found != by_id.end())
      found->second->tags.push_back({row.text(2), row.text(3)});
  return {};
}

// Only what was evaluated can be in another state than the first.
Result<void> add_states(store::Session& session, const Asked& asked, const ById& by_id) {
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT DISTINCT model, version FROM gate_evaluations WHERE {}", kOfAsked),
                             asked.values()));
  for (const auto& row : rows) {
    const auto found = by_id.find({row.text(0), row.integer(1)});
    if (found == by_id.end()) continue;
    MILLRACE_TRY(const auto stored, get_stored(session, asked.workspace, row.text(0), row.integer(1)));
    found->second->state = stored.version.state;
    found->second->digest = stored.version.digests.model;
    found->second->evaluated = true;
  }
  return {};
}

}  // namespace

Result<std::optional<RegisteredModel>> find_registered(store::Session& session, const std::string& workspace,
                                                       const std::string& name) {
  MILLRACE_TRY(
      const auto row,
      session.first(fmt::format("SELECT {} FROM registered_models WHERE workspace = ? AND name = ? AND deleted_at = 0",
                                kModelColumns),
                    {workspace, name}));
  if (!row) return std::optional<RegisteredModel>();
  auto out = to_registered(*row);
  MILLRACE_TRY(const auto tags,
               session.query("SELECT key, value FROM model_tags WHERE workspace = ? AND model = ? ORDER BY key",
                             {workspace, name}));
  for (const auto& tag : tags) out.tags.push_back({tag.text(0), tag.text(1)});
  return std::optional(std::move(out));
}

Result<RegisteredModel> get_registered(store::Session& session, const std::string& workspace, const std::string& name) {
  MILLRACE_TRY(auto found, find_registered(session, workspace, name));
  if (!found) return no_model(name);
  return std::move(*found);
}

Result<std::vector<RegisteredModel>> load_registered(store::Session& session, const std::string& workspace) {
  MILLRACE_TRY(
      const auto rows,
      session.query(fmt::format("SELECT {} FROM registered_models WHERE workspace = ? AND deleted_at = 0 ORDER "
                                "BY name",
                                kModelColumns),
                    {workspace}));
  std::vector<RegisteredModel> out;
  for (const auto& row : rows) out.push_back(to_registered(row));
  MILLRACE_TRY(const auto tags, session.query("SELECT model, key, value FROM model_tags WHERE workspace = ? ORDER BY "
                                              "model, key",
                                              {workspace}));
  std::map<std::string, RegisteredModel*> by_name;
  for (auto& model : out) by_name.emplace(model.name, &model);
  for (const auto& tag : tags)
    if (const auto found = by_name.find(tag.text(0)); found != by_name.end())
      found->second->tags.push_back({tag.text(1), tag.text(2)});
  return out;
}

Result<void> insert_registered(store::Session& session, const Caller& caller, const NewRegisteredModel& wanted,
                               Micros now) {
  MILLRACE_TRY(const auto rows,
               session.execute("INSERT INTO registered_models (workspace, name, description, author, created_at, "
                               "updated_at, last_version, deleted_at) VALUES (?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT "
                               "(workspace, name) DO UPDATE SET description = excluded.description, author = "
                               "excluded.author, created_at = excluded.created_at, updated_at = excluded.updated_at, "
                               "deleted_at = 0",
                               {caller.workspace, wanted.name, wanted.description, caller.subject, now, now}));
  (void)rows;
  return store_tags(session, caller.workspace, wanted.name, wanted.tags);
}

Result<void> ensure_registered(store::Session& session, const Caller& caller, const std::string& name, Micros now) {
  MILLRACE_TRY(const auto found, find_registered(session, caller.workspace, name));
  return found ? Result<void>{}
               : insert_registered(session, caller, {.name = name, .description = {}, .tags = {}}, now);
}

Result<int64_t> next_version(store::Session& session, const std::string& workspace, const std::string& name,
                             Micros now) {
  MILLRACE_TRY(const auto rows,
               session.query("UPDATE registered_models SET last_version = last_version + 1, updated_at = ? WHERE "
                             "workspace = ? AND name = ? AND deleted_at = 0 RETURNING last_version",
                             {now, workspace, name}));
  if (rows.empty()) return no_model(name);
  return rows[0].integer(0);
}

Result<void> claim_version(store::Session& session, const std::string& workspace, const std::string& name,
                           int64_t version, Micros now) {
  if (version <= 0 || version > INT32_MAX)
    return Error{Code::invalid, fmt::format("'{}' is no number of a version", version)};
  MILLRACE_TRY(const auto used, session.first("SELECT deleted_at FROM model_versions WHERE workspace = ? AND model = ? "
                                              "AND version = ?",
                                              {workspace, name, version}));
  if (used)
    return Error{Code::conflict, fmt::format("version {} of the model '{}' {}", version, name,
                                             used->integer(0) == 0 ? "is here already" : "was here and was deleted")}
        .hint("a number names one version for ever: take another workspace or state folder");
  MILLRACE_TRY(const auto rows,
               session.execute("UPDATE registered_models SET last_version = CASE WHEN last_version < ? THEN ? ELSE "
                               "last_version END, updated_at = ? WHERE workspace = ? AND name = ? AND deleted_at = 0",
                               {version, version, now, workspace, name}));
  return rows == 1 ? Result<void>{} : no_model(name);
}

Result<void> touch_registered(store::Session& session, const std::string& workspace, const std::string& name,
                              Micros now) {
  MILLRACE_TRY(const auto rows,
               session.execute("UPDATE registered_models SET updated_at = ? WHERE workspace = ? AND name = ?",
                               {now, workspace, name}));
  (void)rows;
  return {};
}

Result<void> touch_version(store::Session& session, const std::string& workspace, const std::string& model,
                           int64_t version, Micros now) {
  MILLRACE_TRY(const auto rows, session.execute("UPDATE model_versions SET updated_at = ? WHERE workspace = ? AND "
                                                "model = ? AND version = ?",
                                                {now, workspace, model, version}));
  (void)rows;
  return {};
}

Result<std::vector<VersionEntry>> load_entries(store::Session& session, const std::string& workspace,
                                               const std::string& model, int64_t version) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT model, version, run_id, author, created_at, updated_at, source, storage, content, "
                             "model_id, run_link, description, stage, digests FROM model_versions WHERE workspace = ? "
                             "AND (model = ? OR ? = '') AND (version = ? OR ? = 0) AND deleted_at = 0 ORDER BY model, "
                             "version",
                             {workspace, model, model, version, version}));
  std::vector<VersionEntry> out;
  out.reserve(rows.size());
  for (const auto& row : rows) {
    auto& entry = out.emplace_back();
    entry.model = row.text(0);
    entry.version = row.integer(1);
    entry.run_id = row.text(2);
    entry.author = row.text(3);
    entry.created_at = row.integer(4);
    entry.updated_at = row.integer(5);
    entry.source = row.text(6).empty() ? "millrace:" + model_node(entry.model, entry.version) : row.text(6);
    entry.storage = row.text(7);
    entry.content = row.text(8);
    entry.model_id = row.text(9);
    entry.run_link = row.text(10);
    entry.description = row.text(11);
    entry.stage = row.text(12);
    entry.state = "registered";
    if (row.text(6).empty())
      if (const auto digests = parse_json(row.text(13), "digests")) entry.digest = string_or(*digests, "model", "");
  }
  ById by_id;
  for (auto& entry : out) by_id.emplace(std::pair(entry.model, entry.version), &entry);
  const Asked asked{workspace, model, version};
  MILLRACE_DO(add_version_tags(session, asked, by_id));
  MILLRACE_DO(add_states(session, asked, by_id));
  return out;
}

Result<void> may_write(const Caller& caller, std::string_view what) {
  if (caller.has_role("writer") || caller.has_role("approver") || caller.is_local()) return {};
  return Error{Code::denied, fmt::format("{} may not change {}: that takes the role 'writer'", caller.subject, what)}
      .hint("ask for a token with that role: millrace token create --subject NAME --role writer");
}

}  // namespace millrace::registry
