#include "report/pages/fleet.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "monitor/alert/headline.h"
#include "monitor/spec.h"
#include "report/pages/live.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr int64_t kSparkPeriods = 24;
constexpr size_t kReasons = 5;

using monitor::Headline;
using monitor::Window;
using Windows = std::vector<const Window*>;

Windows of_arm(const std::vector<Window>& windows, std::string_view arm) {
  Windows out;
  for (const auto& window : windows)
    if (window.arm == arm) out.push_back(&window);
  return out;
}

int64_t rows_in(const Window& window, std::string_view key) { return integer_or(window.summary, key, 0); }

Json point(const Window& window, double value) {
  return {{"at", to_iso(window.from)}, {"value", number_or_null(value)}};
}

// What the project watches first, else AUC.
std::string metric_of(const Project* project, const std::string& deployment) {
  if (project == nullptr) return "auc";
  const auto monitors = monitor::read_monitors(*project);
  if (!monitors) return "auc";
  for (const auto& monitor : *monitors)
    for (const auto& rule : monitor.rules)
      if (monitor.deployment == deployment && rule.kind == "performance") return rule.metric;
  return "auc";
}

// Of the stable arm where it has labels, else of all that answered. Where two versions shared a period the one with
// more labels stands for it.
Json performance_of(const std::vector<Window>& windows, const std::string& metric) {
  for (const std::string_view arm : {"stable", "all"}) {
    std::map<Micros, std::pair<int64_t, Json>> periods;
    for (const auto* window : of_arm(windows, arm)) {
      const auto& performance = object_in(window->summary, "performance");
      auto estimate = estimate_of(performance, metric);
      if (estimate.is_null()) continue;
      const auto n = integer_or(object_in(performance, metric), "n", 0);
      auto& best = periods[window->from];
      if (!best.second.is_null() && best.first >= n) continue;
      estimate["at"] = to_iso(window->from);
      best = {n, std::move(estimate)};
    }
    if (periods.empty()) continue;
    Json out = periods.rbegin()->second.second, spark = Json::array();
    for (auto& [from, best] : periods) spark.push_back(std::move(best.second));
    out["metric"] = metric;
    out["spark"] = std::move(spark);
    return out;
  }
  return nullptr;
}

double psi_of(const Window& window, const std::string& feature) {
  for (const auto& column : list_in(window.summary, "columns"))
    if (string_or(column, "column", "") == feature) return number_in(column, "psi");
  return std::nan("");
}

// The input that lies farthest from what the model was taught, in the newest window.
Json drift_of(const Windows& windows) {
  if (windows.empty()) return nullptr;
  std::string worst;
  double most = -1;
  for (const auto& column : list_in(windows.back()->summary, "columns")) {
    const double psi = number_in(column, "psi");
    if (string_or(column, "role", "") != "input" || !(psi > most)) continue;
    most = psi;
    worst = string_or(column, "column", "");
  }
  if (worst.empty()) return nullptr;
  Json spark = Json::array();
  for (const auto* window : windows) spark.push_back(point(*window, psi_of(*window, worst)));
  return {{"worst_feature", worst}, {"psi", most}, {"spark", std::move(spark)}};
}

struct Live {
  uint64_t answers = 0, refused = 0, errors = 0;
  double per_s = 0;
  Json latency;
};

Live live_of(const PageSources& sources, const std::string& workspace, const std::string& deployment) {
  Live out;
  const auto served = served_now(sources.data_plane, deployment);
  if (!served || served->stable.arm.workspace != workspace) return out;
  const Micros steady = sources.context.clock.steady();
  const auto add = [&](const serve::ServedArm& arm) {
    const auto json = live_arm(arm, 1, steady);
    out.answers += json["answers"].get<uint64_t>();
    out.refused += json["refused"].get<uint64_t>();
    out.errors += json["errors"].get<uint64_t>();
    out.per_s += json["per_s"].get<double>();
    if (arm.arm.name == serve::kStable) out.latency = json["latency_ms"];
  };
  add(served->stable);
  if (served->canary) add(*served->canary);
  return out;
}

Json traffic_of(const Windows& windows, const Live& live) {
  Json spark = Json::array();
  for (const auto* window : windows) spark.push_back(point(*window, static_cast<double>(rows_in(*window, "answered"))));
  Json out{{"per_s", live.per_s}, {"spark", std::move(spark)}};
  if (windows.empty()) {
    out.update({{"answers", live.answers}, {"refused", live.refused}, {"errors", live.errors}, {"window", nullptr}});
    return out;
  }
  const auto& newest = *windows.back();
  out.update({{"answers", rows_in(newest, "answered")},
              {"refused", rows_in(newest, "refused")},
              {"errors", rows_in(newest, "failed")},
              {"window", {{"from", to_iso(newest.from)}, {"to", to_iso(newest.to)}}}});
  return out;
}

// Lately where there was traffic, else of the newest window that tells it.
Json latency_of(const Windows& windows, const Live& live) {
  if (!live.latency.is_null()) return live.latency;
  for (auto window = windows.rbegin(); window != windows.rend(); ++window) {
    const auto& us = object_in((*window)->summary, "latency_us");
    if (!std::isfinite(number_in(us, "p50"))) continue;
    Json out;
    for (const char* key : {"p50", "p95", "p99"}) out[key] = number_or_null(number_in(us, key) / 1000);
    return out;
  }
  return nullptr;
}

Json labels_of(const Windows& windows) {
  int64_t labels = 0, requests = 0;  // labels come back for refused requests too
  for (const auto* window : windows) {
    labels += rows_in(*window, "labels");
    requests += rows_in(*window, "requests");
  }
  return {{"labels", labels},
          {"requests", requests},
          {"share", requests == 0 ? Json(nullptr) : Json(static_cast<double>(labels) / static_cast<double>(requests))}};
}

// ok, warn, page or idle, and why.
struct State {
  std::string name = "ok";
  std::vector<std::string> why;

  void at_least(std::string_view state, std::string reason) {
    if (name != "page" && (state == "page" || name == "ok")) name = state;
    if (why.size() < kReasons) why.push_back(std::move(reason));
  }
};

void add_alerts(State& state, const std::vector<Headline>& alerts) {
  for (const auto& alert : alerts) {
    const bool quiet = alert.state == "pending";
    state.at_least(!quiet && alert.severity == "page" ? "page" : "warn",
                   alert.words() + (quiet                           ? " (not yet fired)"
                                    : alert.state == "acknowledged" ? " (acknowledged)"
                                                                    : ""));
  }
}

void add_rollout(State& state, const Json& rollout) {
  const auto name = string_or(rollout, "state", "none");
  if (name == "out") state.at_least("warn", "the canary was taken out of traffic");
  if (name == "doubt") state.at_least("warn", "there is doubt about the canary");
  if (name == "held")
    state.at_least("warn", "its rollout is held: " + string_or(object_in(rollout, "hold"), "why", ""));
  if (const auto problem = string_or(rollout, "problem", ""); !problem.empty())
    state.at_least("warn", "its rollout does not move: " + problem);
}

Json arm_json(const registry::ReleaseArm& arm) {
  return {{"model", arm.model}, {"version", arm.version}, {"node", arm.node()}};
}

// Since when the stable arm has had this version.
Micros since(const std::vector<registry::Release>& releases) {
  Micros out = 0;
  for (const auto& release : releases) {
    if (release.version != releases.front().version || release.model != releases.front().model) break;
    out = release.event_time != 0 ? release.event_time : release.created_at;
  }
  return out;
}

Json released_json(const std::vector<registry::Release>& releases) {
  Json out{{"stable", nullptr}, {"canary", nullptr}, {"shadows", Json::array()}, {"release", nullptr}};
  if (releases.empty()) return out;
  const auto& live = releases.front();
  out["release"] = live.node();
  out["stable"] = arm_json(live.stable());
  out["stable"]["since"] = time_or_null(since(releases));
  if (live.canary) {
    out["canary"] = arm_json(*live.canary);
    out["canary"]["share"] = live.canary_share;
  }
  for (const auto& shadow : live.shadows) out["shadows"].push_back(arm_json(shadow));
  return out;
}

int badness(const Json& row) {
  const auto state = string_or(row, "state", "");
  return state == "page" ? 0 : state == "warn" ? 1 : state == "ok" ? 2 : 3;
}

Json worst_of(const std::vector<Headline>& alerts) { return alerts.empty() ? Json(nullptr) : alerts.front().to_json(); }

}  // namespace

Result<Json> Fleet::impact_of(const std::string& workspace, const Project* project, const std::string& deployment) {
  if (project == nullptr) return Json(nullptr);
  monitor::WindowMark mark;
  MILLRACE_DO(sources_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(mark, monitor::window_mark(session, workspace, deployment));
    return {};
  }));
  const auto key = workspace + "\n" + deployment;
  {
    const std::lock_guard lock(mutex_);
    const auto known = worths_.find(key);
    if (known != worths_.end() && known->second.mark == mark && known->second.project == project->digest)
      return known->second.impact;
  }
  Json worth;
  auto impact = sources_.impact.of(workspace, *project, deployment);
  if (!impact && impact.error().code() != Code::not_found) return std::move(impact).error();
  if (impact) {
    const auto& value = object_in(object_in(*impact, "total"), "value");
    if (std::isfinite(number_in(value, "value")))
      worth = {{"value", number_in(value, "value")},
               {"low", number_or_null(number_in(value, "low"))},
               {"high", number_or_null(number_in(value, "high"))},
               {"currency", string_or(*impact, "currency", "")}};
  }
  const std::lock_guard lock(mutex_);
  worths_[key] = {mark, project->digest, worth};
  return worth;
}

Result<Json> Fleet::row(const std::string& workspace, const Project* project, const NamedDeployment& named) {
  MILLRACE_TRY(const auto releases, sources_.registry.releases(workspace, named.name));
  std::vector<Window> windows;
  std::vector<Headline> alerts;
  MILLRACE_DO(sources_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(windows, monitor::newest_windows(session, workspace, named.name, "", kSparkPeriods));
    MILLRACE_TRY(alerts, monitor::open_headlines(session, workspace, named.name));
    return {};
  }));
  const auto all = of_arm(windows, monitor::kAllArms);
  const auto live = live_of(sources_, workspace, named.name);
  State state;
  add_alerts(state, alerts);
  if (!releases.empty()) {
    if (const auto problem = not_served(sources_.data_plane, named.name); !problem.empty())
      state.at_least("page", "not served: " + problem);
    MILLRACE_TRY(const auto rollout, sources_.rollouts.status(workspace, named.name));
    add_rollout(state, rollout);
  }
  if (state.name == "ok" && releases.empty()) state = {"idle", {"nothing was released yet"}};
  if (state.name == "ok" && all.empty() && live.answers + live.refused + live.errors == 0)
    state = {"idle", {"nobody has asked it yet"}};
  auto out = released_json(releases);
  out["deployment"] = named.name;
  out["model"] = named.model;
  out["state"] = state.name;
  out["why"] = state.why;
  out["open_alerts"] = alerts.size();
  out["worst_alert"] = worst_of(alerts);
  out["traffic"] = traffic_of(all, live);
  out["latency_ms"] = latency_of(of_arm(windows, "stable"), live);
  out["performance"] = performance_of(windows, metric_of(project, named.name));
  out["drift"] = drift_of(all);
  out["labels"] = labels_of(all);
  MILLRACE_TRY(out["impact"], impact_of(workspace, project, named.name));
  return out;
}

Result<std::vector<Json>> Fleet::page(const std::string& workspace, const Project* project) {
  MILLRACE_TRY(const auto names, named_deployments(sources_, workspace, project));
  std::vector<Json> out;
  for (const auto& named : names) {
    MILLRACE_TRY(auto one, row(workspace, project, named));
    out.push_back(std::move(one));
  }
  std::stable_sort(out.begin(), out.end(), [](const Json& a, const Json& b) {
    if (badness(a) != badness(b)) return badness(a) < badness(b);
    return integer_or(a, "open_alerts", 0) > integer_or(b, "open_alerts", 0);
  });
  return out;
}

Result<std::vector<Json>> deployments_page(const PageSources& sources, const std::string& workspace,
                                           const Project* project) {
  MILLRACE_TRY(const auto names, named_deployments(sources, workspace, project));
  std::vector<Json> out;
  for (const auto& named : names) {
    MILLRACE_TRY(const auto release, sources.registry.current(workspace, named.name));
    std::vector<Headline> alerts;
    MILLRACE_DO(sources.database.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(alerts, monitor::open_headlines(session, workspace, named.name));
      return {};
    }));
    const auto problem = release ? not_served(sources.data_plane, named.name) : std::string("nothing was released yet");
    Json one{{"deployment", named.name},     {"model", named.model},
             {"spec", named.spec},           {"release", nullptr},
             {"ready", problem.empty()},     {"problem", problem.empty() ? Json(nullptr) : Json(problem)},
             {"open_alerts", alerts.size()}, {"worst_alert", worst_of(alerts)}};
    if (release) {
      one["release"] = release->to_json();
      one["release"].erase("evidence");
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace millrace::report
