#include "report/collect.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "report/facts.h"
#include "report/reasons.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr size_t kDatasetVersions = 1'000, kExplained = 40, kModelVersions = 50, kAlerts = 500, kReviews = 100,
                 kReleases = 500;

// Keeps the first `most` of a list and notes how many there are.
void keep(Json& list, size_t most, const std::string& what, Json& notes) {
  if (list.size() <= most) return;
  notes.push_back(fmt::format("Of {} {} the first {} are here.", list.size(), what, most));
  list.erase(list.begin() + static_cast<ptrdiff_t>(most), list.end());
}

Json time_or_null(Micros time) { return time == 0 ? Json(nullptr) : Json(to_iso(time)); }

Result<Json> datasets_of(const Sources& sources, const std::string& workspace, Json& notes) {
  MILLRACE_TRY(auto versions, sources.datasets.list(workspace, ""));
  std::stable_sort(versions.begin(), versions.end(),
                   [](const auto& a, const auto& b) { return a.recorded_at > b.recorded_at; });
  Json out = Json::array();
  size_t explained = 0;
  for (const auto& version : versions) {
    if (out.size() == kDatasetVersions) break;
    Json reasons = Json::array();
    if (version.verdict != "accepted" && explained++ < kExplained) {
      MILLRACE_TRY(reasons, reasons_of(sources.datasets, workspace, version));
    }
    out.push_back({{"dataset", version.dataset},
                   {"version", version.version},
                   {"node", version.node()},
                   {"verdict", version.verdict},
                   {"rows", version.rows},
                   {"accepted", version.accepted},
                   {"quarantined", version.quarantined},
                   {"digest", version.digest},
                   {"from", time_or_null(version.period_from)},
                   {"to", time_or_null(version.period_to)},
                   {"recorded_at", to_iso(version.recorded_at)},
                   {"reasons", std::move(reasons)}});
  }
  if (versions.size() > out.size())
    notes.push_back(fmt::format("Of {} dataset versions the newest {} are here.", versions.size(), out.size()));
  return out;
}

Result<Json> runs_of(const Sources& sources, const std::string& workspace, const Project* project) {
  Json out = Json::array();
  if (project == nullptr || project->section("pipeline") == nullptr) return out;
  MILLRACE_TRY(const auto pipeline, pipeline::read_pipeline(*project));
  for (const auto& stage : pipeline.stages) {
    MILLRACE_TRY(const auto record, sources.pipelines.latest(workspace, stage.name));
    if (!record) continue;
    out.push_back({{"stage", record->stage},
                   {"node", record->node()},
                   {"key", record->key},
                   {"state", record->state},
                   {"run_id", record->run_id},
                   {"started_at", to_iso(record->started_at)},
                   {"ended_at", to_iso(record->ended_at)},
                   {"outs", record->outs.size()}});
  }
  return out;
}

template <class List>
Json json_list(const List& list) {
  Json out = Json::array();
  for (const auto& one : list) out.push_back(one.to_json());
  return out;
}

Result<Json> items(const Items& source, const std::string& workspace, const std::string& deployment) {
  if (!source) return Json(Json::array());
  return source(workspace, deployment);
}

// The newest periods; columns only where the report looks at them.
void trim_windows(Json& windows, Json& notes) {
  std::set<std::string> periods;
  for (const auto& window : windows) periods.insert(string_or(window, "from", ""));
  std::string first;
  if (periods.size() > kPeriods) {
    first = *std::next(periods.begin(), static_cast<ptrdiff_t>(periods.size() - kPeriods));
    notes.push_back(fmt::format("Of {} periods the newest {} are here.", periods.size(), kPeriods));
  }
  Json kept = Json::array();
  for (auto& window : windows) {
    if (string_or(window, "from", "") < first) continue;
    if (string_or(window, "arm", "") != "all" && object_in(window, "summary").contains("columns"))
      window["summary"].erase("columns");
    kept.push_back(std::move(window));
  }
  windows = std::move(kept);
}

// Questions about the deployment's own alerts.
void only_about(Json& reviews, const Json& alerts) {
  std::set<std::string> nodes;
  for (const auto& alert : alerts) nodes.insert(string_or(alert, "node", ""));
  Json kept = Json::array();
  for (auto& review : reviews) {
    const auto& subjects = list_in(review, "subjects");
    if (std::any_of(subjects.begin(), subjects.end(),
                    [&](const Json& subject) { return nodes.count(string_or(subject, "node", "")) != 0; }))
      kept.push_back(std::move(review));
  }
  reviews = std::move(kept);
}

Json monitor_section(const Project* project, const std::string& deployment) {
  const auto* all = project == nullptr ? nullptr : project->section("monitors");
  const auto* one = all == nullptr ? nullptr : all->find(deployment);
  return one == nullptr ? Json(nullptr) : one->to_json();
}

struct Named {
  std::string name, model;
};

Result<std::vector<Named>> deployments_of(const Sources& sources, const Project* project) {
  std::vector<Named> out;
  if (project != nullptr) {
    MILLRACE_TRY(const auto specs, registry::read_deployments(*project));
    for (const auto& spec : specs) out.push_back({spec.name, spec.model});
  }
  if (!sources.served) return out;
  for (const auto& name : sources.served())
    if (std::none_of(out.begin(), out.end(), [&](const Named& known) { return known.name == name; }))
      out.push_back({name, ""});
  return out;
}

Result<void> add_impact(const Sources& sources, const std::string& workspace, const Project* project, Json& out) {
  out["impact"] = nullptr;
  if (project == nullptr || !sources.impact) return {};
  auto impact = sources.impact(workspace, *project, string_or(out, "name", ""));
  if (!impact && impact.error().code() != Code::not_found) return std::move(impact).error();
  if (impact) out["impact"] = std::move(*impact);
  return {};
}

Result<Json> deployment_of(const Sources& sources, const std::string& workspace, const Project* project,
                           const Named& named, Json& notes) {
  Json out{{"name", named.name}, {"model", named.model}, {"monitor", monitor_section(project, named.name)}};
  MILLRACE_TRY(const auto releases, sources.registry.releases(workspace, named.name));
  out["releases"] = json_list(releases);
  keep(out["releases"], kReleases, "releases of " + named.name, notes);
  MILLRACE_TRY(out["windows"], items(sources.windows, workspace, named.name));
  trim_windows(out["windows"], notes);
  MILLRACE_TRY(out["alerts"], items(sources.alerts, workspace, named.name));
  MILLRACE_TRY(out["reviews"], items(sources.reviews, workspace, named.name));
  only_about(out["reviews"], out["alerts"]);
  keep(out["alerts"], kAlerts, "alerts of " + named.name, notes);
  keep(out["reviews"], kReviews, "reviews", notes);
  Micros now = 0;
  if (sources.event_now) {
    MILLRACE_TRY(now, sources.event_now(workspace, named.name));
  }
  out["event_now"] = to_iso(now != 0 ? now : sources.context.now());
  MILLRACE_DO(add_impact(sources, workspace, project, out));
  return out;
}

}  // namespace

Result<Json> collect(const Sources& sources, const std::string& workspace, const Project* project) {
  Json notes = Json::array(), deployments = Json::array();
  Json out{{"format", 1},
           {"made_at", to_iso(sources.context.now())},
           {"millrace", MILLRACE_VERSION},
           {"workspace", workspace},
           {"project", nullptr}};
  if (project != nullptr) out["project"] = {{"name", project->name}, {"digest", project->digest}};
  MILLRACE_TRY(out["datasets"], datasets_of(sources, workspace, notes));
  MILLRACE_TRY(out["runs"], runs_of(sources, workspace, project));
  MILLRACE_TRY(const auto versions, sources.registry.list(workspace, ""));
  out["models"] = json_list(versions);
  keep(out["models"], kModelVersions, "model versions", notes);
  MILLRACE_TRY(const auto names, deployments_of(sources, project));
  for (const auto& named : names) {
    MILLRACE_TRY(auto one, deployment_of(sources, workspace, project, named, notes));
    deployments.push_back(std::move(one));
  }
  out["deployments"] = std::move(deployments);
  MILLRACE_TRY(const auto verdict, sources.journal.verify());
  out["audit"] = {{"intact", verdict.intact},
                  {"lines", verdict.lines},
                  {"first_bad", verdict.first_bad},
                  {"reason", verdict.reason},
                  {"head", verdict.head}};
  out["notes"] = std::move(notes);
  return out;
}

}  // namespace millrace::report
