// Versions from what clients logged: made, described, tagged, staged, deleted, and where their files are.
#include <fmt/format.h>

#include "core/fault.h"
#include "core/hash.h"
#include "registry/models/entries.h"
#include "registry/models/locate.h"
#include "registry/models/package.h"
#include "registry/models/rows.h"
#include "registry/models/version_end.h"
#include "registry/requests/needs.h"
#include "registry/signing/signatures.h"
#include "track/frozen.h"

namespace millrace::registry {
namespace {

constexpr int kTries = 5;  // to read files that somebody is writing

std::string version_words(const std::string& model, int64_t version) {
  return fmt::format("version {} of the model '{}'", version, model);
}

Error no_version(const std::string& model, int64_t version) {
  return Error{Code::not_found, fmt::format("Model Version (name={}, version={}) not found", model, version)};
}

Result<VersionEntry> get_entry(store::Session& session, const std::string& workspace, const std::string& model,
                               int64_t version) {
  if (version <= 0) return no_version(model, version);
  MILLRACE_TRY(auto found, find_entry(session, workspace, model, version));
  if (!found) return no_version(model, version);
  return std::move(*found);
}

lineage::Change line_of(const std::string& kind, const VersionEntry& version, Json body) {
  return {.kind = kind, .node = model_node(version.model, version.version), .body = std::move(body)};
}

Result<int64_t> newest_line(const store::Database& database) {
  return read_one<int64_t>(database, [](store::Session& session) -> Result<int64_t> {
    MILLRACE_TRY(const auto row, session.first("SELECT coalesce(max(sequence), 0) FROM journal"));
    return row->integer(0);
  });
}

// Was a file written or removed below this folder since that line?
Result<bool> changed_since(store::Session& session, const std::string& workspace, const std::string& path,
                           int64_t line) {
  MILLRACE_TRY(const auto rows, session.query("SELECT body FROM journal WHERE sequence > ? AND workspace = ? AND kind "
                                              "IN ('artifact.written', 'artifact.deleted')",
                                              {line, workspace}));
  for (const auto& row : rows) {
    const auto body = parse_json(row.text(0), "journal");
    const auto at = body ? string_or(*body, "path", "") : std::string();
    if (at == path || at.starts_with(path + "/") || path.starts_with(at + "/")) return true;
  }
  return false;
}

// All that is known of a version before it has a number.
struct Prepared {
  NewVersion wanted;
  Located located;
  track::Manifest manifest;
  Traced traced;
  std::string content;
  int64_t line = 0;  // the journal's end before the files were read
  std::string author;
  Micros created_at = 0, updated_at = 0;
};

Result<void> insert_version(store::Session& session, const Caller& caller, const Prepared& made, int64_t version,
                            Context& context) {
  const auto& wanted = made.wanted;
  MILLRACE_TRY(
      const auto rows,
      session.execute(
          "INSERT INTO model_versions (workspace, model, version, identity, run_id, stage_node, author, digests, "
          "files, "
          "facts, created_at, source, storage, content, model_id, run_link, description, updated_at) VALUES (?, ?, ?, "
          "?, ?, '', ?, ?, '{}', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          {caller.workspace, wanted.model, version, context.uuid(), made.located.run_id, made.author,
           to_text(made.traced.digests.to_json()), to_text(made.traced.facts), made.created_at, made.located.source,
           made.located.storage, made.content, made.located.model_id, wanted.run_link, wanted.description,
           made.updated_at}));
  (void)rows;
  for (const auto& tag : wanted.tags) {
    MILLRACE_TRY(const auto put,
                 session.execute("INSERT INTO model_version_tags (workspace, model, version, key, value) VALUES (?, ?, "
                                 "?, ?, ?) ON CONFLICT (workspace, model, version, key) DO UPDATE SET value = "
                                 "excluded.value",
                                 {caller.workspace, wanted.model, version, tag.key, tag.value}));
    (void)put;
  }
  const auto node = model_node(wanted.model, version);
  if (!made.located.run_id.empty())
    MILLRACE_DO(track::freeze(session, caller.workspace, track::Frozen::run, made.located.run_id, node));
  if (!made.located.model_id.empty())
    MILLRACE_DO(track::freeze(session, caller.workspace, track::Frozen::model, made.located.model_id, node));
  if (made.located.is_here)
    MILLRACE_DO(track::freeze(session, caller.workspace, track::Frozen::files, made.located.path(), node));
  return {};
}

lineage::Change version_made(const Prepared& made, int64_t version, std::string kind) {
  const auto node = model_node(made.wanted.model, version);
  lineage::Change change{.kind = std::move(kind),
                         .node = node,
                         .after = made.content,
                         .body = {{"model", made.wanted.model},
                                  {"version", version},
                                  {"digests", made.traced.digests.to_json()},
                                  {"source", made.located.source},
                                  {"content", made.content},
                                  {"files", made.manifest.files.size()}}};
  change.nodes.push_back({.id = node,
                          .digest = made.traced.digests.model,
                          .attributes = {{"model", made.wanted.model}, {"version", version}}});
  const auto& run = made.located.run_id;
  if (!made.located.model_id.empty())
    change.edges.push_back(
        {.source = "artifact:" + made.located.model_id, .target = node, .kind = "made_from", .run = run});
  if (!run.empty()) change.edges.push_back({.source = "run:" + run, .target = node, .kind = "logged_by", .run = run});
  return change;
}

Result<void> check_new_version(const Caller& caller, const NewVersion& wanted) {
  MILLRACE_DO(check_registered_name(wanted.model, "name"));
  MILLRACE_DO(check_description(wanted.description));
  MILLRACE_DO(check_registered_tags(wanted.tags));
  return may_write(caller, fmt::format("the model '{}'", wanted.model));
}

Result<Located> located(Registry& registry, const Parts& parts, const Caller& caller, const Project* project,
                        const NewVersion& wanted) {
  if (!is_prompt(wanted.tags)) return locate(registry, parts, caller, project, wanted);
  if (!is_prompt_source(wanted.source))
    return Error{Code::invalid, fmt::format("Invalid prompt source: '{}'. Prompt sources must use an MLflow "
                                            "placeholder.",
                                            wanted.source.substr(0, 500))};
  Located out;
  out.source = out.storage = wanted.source;
  return out;
}

// Reads the files and writes the record, again while somebody else wrote files in between.
Result<void> record(const Parts& parts, const Caller& caller, Prepared& made,
                    const std::function<Result<lineage::Change>(store::Session&)>& write) {
  for (int tried = 0; tried < kTries; ++tried) {
    MILLRACE_TRY(made.line, newest_line(parts.database));
    if (made.located.is_here) {
      MILLRACE_TRY(made.manifest,
                   track::manifest_of(parts.tracking.artifacts(), caller.workspace, made.located.path()));
      MILLRACE_TRY(made.content, parts.blobs.put(made.manifest.text()));
    }
    MILLRACE_TRY(made.traced, trace_logged(parts, caller, made.located, made.manifest));
    bool changed = false, writing = false;
    FAULT_POINT("registry.version.before_record");
    MILLRACE_TRY(const auto line, parts.tracking.while_still([&] {
      return parts.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
        MILLRACE_TRY(const auto model, get_registered(session, caller.workspace, made.wanted.model));
        changed = writing = false;
        if (made.located.is_here) {
          MILLRACE_TRY(writing, parts.tracking.is_being_written(session, caller.workspace, made.located.path()));
          MILLRACE_TRY(changed, changed_since(session, caller.workspace, made.located.path(), made.line));
        }
        return changed || writing ? Result<lineage::Change>(lineage::Change{}) : write(session);
      });
    }));
    (void)line;
    FAULT_POINT("registry.version.after_record");
    if (writing) break;  // by another server; it may take long
    if (!changed) return {};
  }
  return Error{Code::conflict, fmt::format("the files of '{}' are being written", made.located.storage)}.hint(
      "register them when they are all there");
}

}  // namespace

Result<int64_t> Registry::create_version(const Caller& caller, const Project* project, const NewVersion& wanted) {
  MILLRACE_DO(check_new_version(caller, wanted));
  Prepared made{.wanted = wanted, .author = caller.subject};
  MILLRACE_TRY(made.located, located(*this, parts_, caller, project, wanted));
  if (project != nullptr) {  // a key that cannot be read is no reason to have a version without its signature
    MILLRACE_TRY(const auto key, read_sign_with(*project, wanted.model));
    (void)key;
  }
  int64_t version = 0;
  MILLRACE_DO(record(parts_, caller, made, [&](store::Session& session) -> Result<lineage::Change> {
    made.created_at = made.updated_at = parts_.context.now();
    MILLRACE_TRY(version, next_version(session, caller.workspace, wanted.model, made.created_at));
    MILLRACE_DO(insert_version(session, caller, made, version, parts_.context));
    return version_made(made, version, "model.version.created");
  }));
  if (project != nullptr && made.located.is_here)
    MILLRACE_DO(sign_if_missing(parts_, caller, *project, wanted.model, version));
  return version;
}

Result<void> Registry::import_version(const Caller& caller, const Project* project, const ImportedVersion& imported,
                                      const Also& also) {
  const auto& wanted = imported.is;
  MILLRACE_DO(check_new_version(caller, wanted));
  Prepared made{.wanted = wanted,
                .author = imported.author.empty() ? caller.subject : imported.author,
                .created_at = imported.created_at,
                .updated_at = imported.updated_at};
  MILLRACE_TRY(made.located, imported.reference.empty() ? located(*this, parts_, caller, project, wanted)
                                                        : locate_reference(parts_, caller, wanted, imported.reference));
  return record(parts_, caller, made, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(claim_version(session, caller.workspace, wanted.model, imported.version, parts_.context.now()));
    MILLRACE_DO(insert_version(session, caller, made, imported.version, parts_.context));
    MILLRACE_DO(also(session));
    return version_made(made, imported.version, "model.version.imported");
  });
}

Result<void> Registry::describe_version(const Caller& caller, const std::string& model, int64_t version,
                                        const std::string& description) {
  MILLRACE_DO(check_registered_name(model, "name"));
  MILLRACE_DO(check_description(description));
  MILLRACE_DO(may_write(caller, version_words(model, version)));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto before, get_entry(session, caller.workspace, model, version));
    MILLRACE_TRY(const auto rows,
                 session.execute("UPDATE model_versions SET description = ?, updated_at = ? WHERE workspace = ? AND "
                                 "model = ? AND version = ?",
                                 {description, parts_.context.now(), caller.workspace, model, version}));
    (void)rows;
    return line_of("model.version.updated", before, {{"before", before.description}, {"description", description}});
  }));
  (void)line;
  return {};
}

Result<void> Registry::delete_version(const Caller& caller, const Project* project, const std::string& model,
                                      int64_t version) {
  MILLRACE_DO(check_registered_name(model, "name"));
  MILLRACE_DO(may_write(caller, version_words(model, version)));
  MILLRACE_TRY(const auto protection, protection_of(project, model));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto entry, get_entry(session, caller.workspace, model, version));
    MILLRACE_DO(check_unneeded(session, caller.workspace, protection, entry));
    const auto now = parts_.context.now();
    MILLRACE_DO(end_version(session, caller, entry, now));
    MILLRACE_DO(touch_registered(session, caller.workspace, model, now));
    auto change = line_of("model.version.deleted", entry, {{"source", entry.source}, {"stage", entry.stage}});
    change.before = entry.content;
    return change;
  }));
  (void)line;
  return {};
}

Result<void> Registry::tag_version(const Caller& caller, const std::string& model, int64_t version,
                                   const track::KeyValue& tag) {
  MILLRACE_DO(check_registered_name(model, "name"));
  MILLRACE_DO(check_registered_tags({tag}));
  MILLRACE_DO(may_write(caller, version_words(model, version)));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto before, get_entry(session, caller.workspace, model, version));
    MILLRACE_TRY(const auto rows,
                 session.execute("INSERT INTO model_version_tags (workspace, model, version, key, value) VALUES (?, ?, "
                                 "?, ?, ?) ON CONFLICT (workspace, model, version, key) DO UPDATE SET value = "
                                 "excluded.value",
                                 {caller.workspace, model, version, tag.key, tag.value}));
    (void)rows;
    return line_of("model.version.tag.set", before, tag_change(before.tags, tag));
  }));
  (void)line;
  return {};
}

Result<void> Registry::untag_version(const Caller& caller, const std::string& model, int64_t version,
                                     const std::string& key) {
  MILLRACE_DO(check_registered_name(model, "name"));
  MILLRACE_DO(check_registered_tag_key(key));
  MILLRACE_DO(may_write(caller, version_words(model, version)));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto before, get_entry(session, caller.workspace, model, version));
    MILLRACE_TRY(const auto rows,
                 session.execute("DELETE FROM model_version_tags WHERE workspace = ? AND model = ? AND version = ? AND "
                                 "key = ?",
                                 {caller.workspace, model, version, key}));
    if (rows == 0) return lineage::Change{};
    return line_of("model.version.tag.deleted", before, tag_change(before.tags, {key, ""}));
  }));
  (void)line;
  return {};
}

Result<void> Registry::check_files(const std::string& workspace, const std::string& model, int64_t version) const {
  MILLRACE_TRY(const auto stored, read_one<StoredVersion>(parts_.database, [&](store::Session& session) {
                 return get_present(session, workspace, model, version);
               }));
  if (stored.version.source.empty()) {
    MILLRACE_TRY(const auto package, package_of(stored.files, stored.facts));
    for (const auto& file : package)
      if (file.text.empty()) MILLRACE_DO(parts_.blobs.verify(file.digest));
    return {};
  }
  MILLRACE_TRY(const auto recorded, recorded_files(parts_.blobs, stored.version));
  if (recorded.empty()) return {};
  MILLRACE_TRY(const auto now, track::manifest_of(parts_.tracking.artifacts(), workspace,
                                                  track::Tracking::artifact_path(stored.version.storage)));
  const auto differs = [&](const std::string& path, std::string_view how) {
    return Error{Code::rejected, fmt::format("'{}' of {} {}", path, stored.version.node(), how)}.hint(
        "the files were changed behind the server's back: restore them from a backup");
  };
  for (size_t i = 0; i < recorded.size(); ++i) {
    if (i >= now.files.size() || recorded[i].path < now.files[i].path) return differs(recorded[i].path, "is gone");
    if (now.files[i].path < recorded[i].path) return differs(now.files[i].path, "was not there when it was registered");
    if (now.files[i].digest != recorded[i].digest) return differs(recorded[i].path, "is not what was registered");
  }
  if (now.files.size() > recorded.size())
    return differs(now.files[recorded.size()].path, "was not there when it was registered");
  return {};
}

Result<std::string> Registry::download_uri(const Caller& caller, const std::string& model, int64_t version) {
  auto found = read_one<StoredVersion>(
      parts_.database, [&](store::Session& session) { return get_present(session, caller.workspace, model, version); });
  if (!found && found.error().code() == Code::not_found) return no_version(model, version);
  MILLRACE_TRY(const auto stored, std::move(found));
  if (!stored.version.source.empty()) return stored.version.storage;
  MILLRACE_DO(install_package(parts_, caller.workspace, stored));
  return "mlflow-artifacts:/" + package_path(stored.version);
}

}  // namespace millrace::registry
