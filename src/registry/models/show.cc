// Registered models and versions as clients see them: with tags, states and aliases, read for a whole page at once.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "registry/models/entries.h"
#include "registry/models/rows.h"
#include "registry/models/search.h"
#include "registry/requests/binding.h"
#include "track/search/query.h"

namespace millrace::registry {
namespace {

constexpr std::array<std::string_view, 4> kStages = {kStageArchived, kStageNone, "Production", "Staging"};  // by name

Error no_version(const std::string& model, int64_t version) {
  return Error{Code::not_found, fmt::format("Model Version (name={}, version={}) not found", model, version)};
}

template <class Key>
std::vector<std::string> names_of(const std::vector<Key>& keys) {
  std::set<std::string> names;
  for (const auto& key : keys) names.insert(key.first);
  return {names.begin(), names.end()};
}

// Aliases of these models: those that a deployment binds, then labels, by model and name.
Result<std::vector<Alias>> aliases_of(store::Session& session, const std::string& workspace,
                                      const std::vector<DeploymentSpec>& bound,
                                      const std::vector<std::string>& models) {
  const std::set<std::string> wanted(models.begin(), models.end());
  std::set<std::pair<std::string, std::string>> taken;
  std::vector<Alias> out;
  for (const auto& spec : bound) {
    if (!wanted.contains(spec.model)) continue;
    taken.emplace(spec.model, spec.alias);
    MILLRACE_TRY(const auto live, newest_release(session, workspace, spec.name));
    if (live && live->release.model == spec.model)
      out.push_back({spec.model, spec.alias, live->release.version, spec.name});
  }
  MILLRACE_DO(in_pieces(models, [&](const std::vector<std::string>& piece) -> Result<void> {
    store::Values values{workspace};
    const auto listed = track::placeholders(piece, values);
    MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT model, alias, version FROM model_aliases WHERE "
                                                            "workspace = ? AND model IN ({}) ORDER BY model, alias",
                                                            listed),
                                                values));
    for (const auto& row : rows)
      if (!taken.contains({row.text(0), row.text(1)})) out.push_back({row.text(0), row.text(1), row.integer(2), ""});
    return {};
  }));
  return out;
}

Result<std::vector<ShownVersion>> show_versions(store::Session& session, const std::string& workspace,
                                                const std::vector<DeploymentSpec>& bound,
                                                const std::vector<VersionKey>& keys) {
  MILLRACE_TRY(auto entries, load_versions(session, workspace, keys));
  MILLRACE_TRY(const auto aliases, aliases_of(session, workspace, bound, names_of(keys)));
  std::map<VersionKey, std::vector<std::string>> named;
  for (const auto& alias : aliases) named[{alias.model, alias.version}].push_back(alias.name);
  std::vector<ShownVersion> out;
  out.reserve(entries.size());
  for (auto& entry : entries) {
    const auto found = named.find({entry.model, entry.version});
    out.push_back({std::move(entry), found == named.end() ? std::vector<std::string>() : found->second});
  }
  return out;
}

// Of each model the highest version of each stage, by model and stage.
Result<std::vector<VersionKey>> newest_of_stages(store::Session& session, const std::string& workspace,
                                                 const std::vector<std::string>& models) {
  std::string columns = "m.name";
  for (const auto stage : kStages)
    columns += fmt::format(
        ", (SELECT max(v.version) FROM model_versions v WHERE v.workspace = m.workspace AND v.model = m.name AND "
        "v.stage = '{}' AND v.deleted_at = 0)",
        stage);
  std::vector<VersionKey> out;
  MILLRACE_DO(in_pieces(models, [&](const std::vector<std::string>& piece) -> Result<void> {
    store::Values values{workspace};
    const auto listed = track::placeholders(piece, values);
    MILLRACE_TRY(const auto rows, session.query(fmt::format("SELECT {} FROM registered_models m WHERE m.workspace = ? "
                                                            "AND m.name IN ({})",
                                                            columns, listed),
                                                values));
    for (const auto& row : rows)
      for (size_t i = 0; i < kStages.size(); ++i)
        if (!row.is_null(i + 1)) out.emplace_back(row.text(0), row.integer(i + 1));
    return {};
  }));
  return out;
}

// In the order of the names; those that are not there are left out.
Result<std::vector<ShownModel>> show_models(store::Session& session, const std::string& workspace,
                                            const std::vector<DeploymentSpec>& bound,
                                            const std::vector<std::string>& names) {
  MILLRACE_TRY(auto registered, load_registered(session, workspace, names));
  MILLRACE_TRY(const auto newest, newest_of_stages(session, workspace, names));
  MILLRACE_TRY(auto versions, show_versions(session, workspace, bound, newest));
  MILLRACE_TRY(const auto aliases, aliases_of(session, workspace, bound, names));
  std::vector<ShownModel> out;
  out.reserve(registered.size());
  std::map<std::string, ShownModel*> by_name;
  for (auto& each : registered) out.push_back({std::move(each), {}, {}});
  for (auto& each : out) by_name.emplace(each.model.name, &each);
  for (auto& version : versions)
    if (const auto found = by_name.find(version.entry.model); found != by_name.end())
      found->second->newest.push_back(std::move(version));
  for (const auto& alias : aliases)
    if (const auto found = by_name.find(alias.model); found != by_name.end()) found->second->aliases.push_back(alias);
  return out;
}

Result<ShownVersion> show_one(store::Session& session, const std::string& workspace,
                              const std::vector<DeploymentSpec>& bound, const VersionKey& key) {
  MILLRACE_TRY(auto shown, show_versions(session, workspace, bound, {key}));
  if (shown.empty()) return no_version(key.first, key.second);
  return std::move(shown[0]);
}

Result<std::vector<std::string>> all_names(store::Session& session, const std::string& workspace) {
  MILLRACE_TRY(const auto rows, session.query("SELECT name FROM registered_models WHERE workspace = ? AND deleted_at = "
                                              "0 ORDER BY name",
                                              {workspace}));
  std::vector<std::string> out;
  for (const auto& row : rows) out.push_back(row.text(0));
  return out;
}

}  // namespace

Result<std::vector<RegisteredModel>> Registry::registered(const std::string& workspace, const std::string& name) const {
  return read_one<std::vector<RegisteredModel>>(parts_.database,
                                                [&](store::Session& session) -> Result<std::vector<RegisteredModel>> {
                                                  std::vector<std::string> names{name};
                                                  if (name.empty()) {
                                                    MILLRACE_TRY(names, all_names(session, workspace));
                                                  }
                                                  return load_registered(session, workspace, names);
                                                });
}

Result<std::vector<VersionEntry>> Registry::catalogue(const std::string& workspace, const std::string& model) const {
  return read_one<std::vector<VersionEntry>>(
      parts_.database, [&](store::Session& session) { return load_entries(session, workspace, model); });
}

Result<std::vector<Alias>> Registry::aliases(const std::string& workspace, const Project* project,
                                             const std::string& model) const {
  MILLRACE_TRY(const auto bound, binding(project, model));
  return read_one<std::vector<Alias>>(parts_.database, [&](store::Session& session) -> Result<std::vector<Alias>> {
    std::vector<std::string> names{model};
    if (model.empty()) {
      MILLRACE_TRY(names, all_names(session, workspace));
    }
    return aliases_of(session, workspace, bound, names);
  });
}

Result<track::Page<ShownModel>> Registry::search_models(const std::string& workspace, const Project* project,
                                                        const RegistrySearch& search) const {
  MILLRACE_TRY(const auto bound, binding(project, ""));
  return read_one<track::Page<ShownModel>>(
      parts_.database, [&](store::Session& session) -> Result<track::Page<ShownModel>> {
        MILLRACE_TRY(auto found, find_keys(session, workspace, Searched::models, search));
        std::vector<std::string> names;
        for (auto& key : found.keys) names.push_back(std::move(key.first));
        MILLRACE_TRY(auto models, show_models(session, workspace, bound, names));
        return track::Page<ShownModel>{std::move(models), std::move(found.next)};
      });
}

Result<track::Page<ShownVersion>> Registry::search_versions(const std::string& workspace, const Project* project,
                                                            const RegistrySearch& search) const {
  MILLRACE_TRY(const auto bound, binding(project, ""));
  return read_one<track::Page<ShownVersion>>(
      parts_.database, [&](store::Session& session) -> Result<track::Page<ShownVersion>> {
        MILLRACE_TRY(auto found, find_keys(session, workspace, Searched::versions, search));
        MILLRACE_TRY(auto versions, show_versions(session, workspace, bound, found.keys));
        return track::Page<ShownVersion>{std::move(versions), std::move(found.next)};
      });
}

Result<ShownModel> Registry::show_model(const std::string& workspace, const Project* project,
                                        const std::string& name) const {
  MILLRACE_DO(check_registered_name(name, "name"));
  MILLRACE_TRY(const auto bound, binding(project, name));
  return read_one<ShownModel>(parts_.database, [&](store::Session& session) -> Result<ShownModel> {
    MILLRACE_TRY(auto found, show_models(session, workspace, bound, {name}));
    if (found.empty()) return no_model(name);
    return std::move(found[0]);
  });
}

Result<ShownVersion> Registry::show_version(const std::string& workspace, const Project* project,
                                            const std::string& model, int64_t version) const {
  MILLRACE_DO(check_registered_name(model, "name"));
  MILLRACE_TRY(const auto bound, binding(project, model));
  return read_one<ShownVersion>(parts_.database, [&](store::Session& session) {
    return show_one(session, workspace, bound, {model, version});
  });
}

Result<ShownVersion> Registry::show_alias(const std::string& workspace, const Project* project,
                                          const std::string& model, const std::string& alias) const {
  MILLRACE_DO(check_registered_name(model, "name"));
  MILLRACE_TRY(const auto bound, binding(project, model));
  std::string lower = alias;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return read_one<ShownVersion>(parts_.database, [&](store::Session& session) -> Result<ShownVersion> {
    MILLRACE_TRY(const auto there, find_registered(session, workspace, model));
    if (!there) return no_model(model);
    if (lower == "latest") {
      MILLRACE_TRY(const auto row,
                   session.first("SELECT max(version) FROM model_versions WHERE workspace = ? AND model "
                                 "= ? AND deleted_at = 0",
                                 {workspace, model}));
      if (!row || row->is_null(0))
        return Error{Code::not_found, fmt::format("Latest version not found for model {}.", model)};
      return show_one(session, workspace, bound, {model, row->integer(0)});
    }
    MILLRACE_TRY(const auto aliases, aliases_of(session, workspace, bound, {model}));
    const auto found =
        std::find_if(aliases.begin(), aliases.end(), [&](const auto& each) { return each.name == alias; });
    if (found == aliases.end()) return Error{Code::invalid, fmt::format("Registered model alias {} not found.", alias)};
    return show_one(session, workspace, bound, {model, found->version});
  });
}

}  // namespace millrace::registry
