#include "registry/models/rows.h"

#include <map>

#include <fmt/format.h>

#include "registry/models/keys.h"
#include "track/search/query.h"

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

}  // namespace

Error no_model(const std::string& name) {
  return Error{Code::not_found, fmt::format("Registered Model with name={} not found", name)}.hint(
      "register one with mlflow.register_model, or: millrace model register NAME");
}

Result<std::optional<RegisteredModel>> find_registered(store::Session& session, const std::string& workspace,
                                                       const std::string& name) {
  MILLRACE_TRY(auto found, load_registered(session, workspace, {name}));
  return found.empty() ? std::optional<RegisteredModel>() : std::optional(std::move(found[0]));
}

Result<RegisteredModel> get_registered(store::Session& session, const std::string& workspace, const std::string& name) {
  MILLRACE_TRY(auto found, find_registered(session, workspace, name));
  if (!found) return no_model(name);
  return std::move(*found);
}

Result<std::vector<RegisteredModel>> load_registered(store::Session& session, const std::string& workspace,
                                                     const std::vector<std::string>& names) {
  std::map<std::string, RegisteredModel> by_name;
  MILLRACE_DO(in_pieces(names, [&](const std::vector<std::string>& piece) -> Result<void> {
    store::Values values{workspace};
    const auto listed = track::placeholders(piece, values);
    MILLRACE_TRY(const auto rows,
                 session.query(fmt::format("SELECT {} FROM registered_models WHERE workspace = ? AND name IN ({}) AND "
                                           "deleted_at = 0",
                                           kModelColumns, listed),
                               values));
    for (const auto& row : rows) by_name.emplace(row.text(0), to_registered(row));
    MILLRACE_TRY(const auto tags,
                 session.query(fmt::format("SELECT model, key, value FROM model_tags WHERE workspace = ? AND model IN "
                                           "({}) ORDER BY model, key",
                                           listed),
                               values));
    for (const auto& tag : tags)
      if (const auto found = by_name.find(tag.text(0)); found != by_name.end())
        found->second.tags.push_back({tag.text(1), tag.text(2)});
    return {};
  }));
  std::vector<RegisteredModel> out;
  out.reserve(by_name.size());
  for (const auto& name : names)
    if (const auto found = by_name.find(name); found != by_name.end()) out.push_back(std::move(found->second));
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

Result<void> may_write(const Caller& caller, std::string_view what) {
  if (caller.has_role("writer") || caller.has_role("approver") || caller.is_local()) return {};
  return Error{Code::denied, fmt::format("{} may not change {}: that takes the role 'writer'", caller.subject, what)}
      .hint("ask for a token with that role: millrace token create --subject NAME --role writer");
}

}  // namespace millrace::registry
