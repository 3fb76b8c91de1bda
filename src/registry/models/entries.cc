#include "registry/models/entries.h"

#include <map>

#include <fmt/format.h>

namespace millrace::registry {
namespace {

// `digests` and the author are needed where the state is more than "registered".
struct Read {
  VersionEntry entry;
  std::string digests;
};
using ByKey = std::map<VersionKey, Read>;

Result<void> read_rows(store::Session& session, const std::string& wanted, const store::Values& values, ByKey& out) {
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("{}SELECT t.model, t.version, t.run_id, t.author, t.created_at, t.updated_at, "
                                         "t.source, t.storage, t.content, t.model_id, t.run_link, t.description, "
                                         "t.stage, t.digests FROM {} AND t.deleted_at = 0",
                                         wanted, of_wanted("model_versions")),
                             values));
  for (const auto& row : rows) {
    auto& [entry, digests] = out[{row.text(0), row.integer(1)}];
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
    digests = row.text(13);
    if (row.text(6).empty())
      if (const auto known = digests_in(digests, model_node(entry.model, entry.version))) entry.digest = known->model;
  }
  return {};
}

Result<void> add_tags(store::Session& session, const std::string& wanted, const store::Values& values, ByKey& out) {
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("{}SELECT t.model, t.version, t.key, t.value FROM {} ORDER BY t.model, "
                                         "t.version, t.key",
                                         wanted, of_wanted("model_version_tags")),
                             values));
  for (const auto& row : rows)
    if (const auto found = out.find({row.text(0), row.integer(1)}); found != out.end())
      found->second.entry.tags.push_back({row.text(2), row.text(3)});
  return {};
}

// Only what was evaluated can be in another state than the first.
Result<void> add_states(store::Session& session, const std::string& workspace, const std::string& wanted,
                        const store::Values& values, ByKey& out) {
  MILLRACE_TRY(const auto rows, session.query(fmt::format("{}SELECT DISTINCT t.model, t.version FROM {}", wanted,
                                                          of_wanted("gate_evaluations")),
                                              values));
  std::vector<StoredVersion> evaluated;
  for (const auto& row : rows) {
    const auto found = out.find({row.text(0), row.integer(1)});
    if (found == out.end()) continue;
    const auto& [entry, digests] = found->second;
    auto& version = evaluated.emplace_back().version;
    version.model = entry.model;
    version.version = entry.version;
    version.author = entry.author;
    MILLRACE_TRY(version.digests, digests_in(digests, version.node()));
  }
  std::vector<StoredVersion*> pointers;
  for (auto& each : evaluated) pointers.push_back(&each);
  MILLRACE_DO(add_evidence(session, workspace, pointers));
  for (const auto& each : evaluated) {
    auto& entry = out.at({each.version.model, each.version.version}).entry;
    entry.state = each.version.state;
    entry.digest = each.version.digests.model;
    entry.evaluated = true;
  }
  return {};
}

}  // namespace

Result<std::vector<VersionEntry>> load_versions(store::Session& session, const std::string& workspace,
                                                const std::vector<VersionKey>& keys) {
  std::vector<VersionEntry> out;
  out.reserve(keys.size());
  MILLRACE_DO(in_pieces(keys, [&](const std::vector<VersionKey>& piece) -> Result<void> {
    store::Values values;
    const auto wanted = wanted_keys(piece, values);
    values.emplace_back(workspace);
    ByKey read;
    MILLRACE_DO(read_rows(session, wanted, values, read));
    MILLRACE_DO(add_tags(session, wanted, values, read));
    MILLRACE_DO(add_states(session, workspace, wanted, values, read));
    for (const auto& key : piece)
      if (const auto found = read.find(key); found != read.end()) out.push_back(std::move(found->second.entry));
    return {};
  }));
  return out;
}

Result<std::vector<VersionEntry>> load_entries(store::Session& session, const std::string& workspace,
                                               const std::string& model) {
  store::Values values{workspace};
  if (!model.empty()) values.emplace_back(model);
  MILLRACE_TRY(
      const auto rows,
      session.query(fmt::format("SELECT model, version FROM model_versions WHERE workspace = ?{} AND deleted_at "
                                "= 0 ORDER BY model, version",
                                model.empty() ? "" : " AND model = ?"),
                    values));
  std::vector<VersionKey> keys;
  for (const auto& row : rows) keys.emplace_back(row.text(0), row.integer(1));
  return load_versions(session, workspace, keys);
}

Result<std::optional<VersionEntry>> find_entry(store::Session& session, const std::string& workspace,
                                               const std::string& model, int64_t version) {
  MILLRACE_TRY(auto found, load_versions(session, workspace, {{model, version}}));
  return found.empty() ? std::optional<VersionEntry>() : std::optional(std::move(found[0]));
}

}  // namespace millrace::registry
