#include <map>

#include <fmt/format.h>

#include "api/native/known.h"
#include "api/native/paging.h"
#include "api/native/reads.h"
#include "registry/models/difference.h"
#include "registry/models/summary.h"
#include "track/rows.h"

namespace millrace::api::native {
namespace {

constexpr size_t kReportBytes = 64 << 20;

const Project* pointer(const std::optional<Project>& project) { return project ? &*project : nullptr; }

Json latest_json(const registry::VersionEntry& entry) {
  return {{"version", entry.version},
          {"node", fmt::format("model:{}@{}", entry.model, entry.version)},
          {"state", entry.state},
          {"stage", entry.stage},
          {"author", entry.author},
          {"run_id", entry.run_id},
          {"created_at", to_iso(entry.created_at)}};
}

// What is on traffic now: deployment, arm, version.
Result<std::map<std::string, Json>> deployed(Services& s, const std::string& workspace) {
  std::vector<std::string> names;
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT DISTINCT deployment FROM releases WHERE workspace = ?", {workspace}));
    for (const auto& row : rows) names.push_back(row.text(0));
    return {};
  }));
  std::map<std::string, Json> out;
  for (const auto& name : names) {
    MILLRACE_TRY(const auto release, s.registry.current(workspace, name));
    if (!release) continue;
    const auto add = [&](const registry::ReleaseArm& arm, const char* which) {
      out[arm.model].push_back({{"deployment", name}, {"arm", which}, {"version", arm.version}});
    };
    add(release->stable(), "stable");
    if (release->canary) add(*release->canary, "canary");
    for (const auto& shadow : release->shadows) add(shadow, "shadow");
  }
  return out;
}

Result<Json> summary(Services& s, const Request& in) {
  MILLRACE_TRY(const auto slice, page_slice(in));
  MILLRACE_TRY(const auto project, optional_project(s));
  registry::ModelSummaries found;
  MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(found,
                 registry::summarize_models(session, in.caller.workspace, in.query_value("q").value_or(""),
                                            static_cast<int64_t>(slice.from), static_cast<int64_t>(slice.count)));
    return {};
  }));
  MILLRACE_TRY(auto arms, deployed(s, in.caller.workspace));
  Json items = Json::array();
  for (const auto& each : found.models) {
    const auto& name = each.model.name;
    MILLRACE_TRY(const auto aliases, s.registry.aliases(in.caller.workspace, pointer(project), name));
    Json named = Json::array(), champion;
    for (const auto& alias : aliases) {
      named.push_back({{"alias", alias.name},
                       {"version", alias.version},
                       {"deployment", alias.deployment.empty() ? Json(nullptr) : Json(alias.deployment)}});
      if (alias.name == "champion") champion = alias.version;
    }
    items.push_back({{"model", name},
                     {"description", each.model.description},
                     {"versions", each.versions},
                     {"latest", each.latest ? latest_json(*each.latest) : Json(nullptr)},
                     {"champion", std::move(champion)},
                     {"aliases", std::move(named)},
                     {"deployments", arms.contains(name) ? std::move(arms[name]) : Json::array()},
                     {"open_requests", each.open_requests},
                     {"updated_at", to_iso(each.model.updated_at)}});
  }
  const auto end = static_cast<int64_t>(slice.from + items.size());
  return Json{{"items", std::move(items)},
              {"next", end < found.total ? Json(std::to_string(end)) : Json(nullptr)},
              {"total", found.total}};
}

// Its blobs and its run say the rest; what is not there any more is left out.
Result<void> fill(Services& s, const Request& in, registry::DiffSide& side) {
  const auto& version = side.stored.version;
  if (!version.digests.report.empty())
    if (const auto text = s.blobs.get(version.digests.report, kReportBytes))
      if (auto report = parse_json(*text, version.node())) side.report = std::move(*report);
  if (const auto digest = string_or(side.stored.files, "contract", ""); !digest.empty())
    if (const auto text = s.blobs.get(digest, limits::yaml_bytes))
      if (auto contract = data::parse_contract(*text, version.node())) side.contract = std::move(*contract);
  if (version.run_id.empty()) return {};
  return s.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto runs, track::load_runs(session, in.caller.workspace, {version.run_id}));
    if (runs.empty()) return {};
    side.params = std::move(runs[0].params);
    side.metrics = std::move(runs[0].metrics);
    return {};
  });
}

Result<Json> diff(Services& s, const Request& in) {
  registry::DiffSide sides[2];
  constexpr const char* kEnds[] = {"from", "to"};
  for (const size_t i : {0U, 1U}) {
    MILLRACE_TRY(const auto number, compared_version(in, kEnds[i]));
    MILLRACE_DO(s.database.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(sides[i].stored, registry::get_present(session, in.caller.workspace, in.arg("model"), number));
      return {};
    }));
    MILLRACE_DO(fill(s, in, sides[i]));
  }
  return registry::diff_versions(sides[0], sides[1]);
}

}  // namespace

Routes model_fact_routes(Services& s) {
  const std::string base = "/api/millrace/v1";
  return {
      {"GET", base + "/models/summary", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return summary(s, in); }); },
       "Registered models with their newest version, aliases, traffic and open requests, changed last first: ?q=."},
      {"GET", base + "/models/{model}/diff", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return diff(s, in); }); },
       "Two versions side by side: gates, metrics, groups, parameters, data, code, environment, signature: "
       "?from=1&to=2."},
  };
}

}  // namespace millrace::api::native
