#include "report/pages/performance.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "core/limits.h"
#include "monitor/alert/headline.h"
#include "monitor/event_clock.h"
#include "monitor/spec.h"
#include "monitor/window/newest.h"
#include "report/words.h"

namespace millrace::report {
namespace {

using monitor::Headline;
using monitor::Window;

constexpr const char* kMetrics[] = {"auc",   "precision",         "recall",    "log_loss",
                                    "brier", "calibration_error", "base_rate", "mean_score"};
constexpr int64_t kLagLabels = 2'000;

struct Seen {
  std::vector<Window> windows;
  std::vector<Headline> alerts;
  std::vector<std::pair<std::string, Micros>> labels;  // prediction ids and when their label came, the newest
  Json retrainings = Json::array();                    // markers
  Micros now = 0;                                      // how far the deployment has come
};

Result<void> read_retrainings(store::Session& session, const std::string& workspace, const std::string& deployment,
                              Json& out) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT e.event_time, e.alert, e.why FROM alert_events e JOIN alerts a ON a.workspace = "
                             "e.workspace AND a.id = e.alert WHERE e.workspace = ? AND a.deployment = ? AND e.kind = "
                             "'retraining' ORDER BY e.event_time",
                             {workspace, deployment}));
  for (const auto& row : rows)
    out.push_back({{"at", to_iso(row.integer(0))},
                   {"kind", "retrain"},
                   {"text", "a retraining began" + (row.text(2).empty() ? "" : ": " + row.text(2))},
                   {"node", "alert:" + row.text(1)},
                   {"severity", nullptr}});
  return {};
}

Result<Seen> look(const PageSources& sources, const std::string& workspace, const std::string& deployment,
                  const WindowChoice& choice) {
  Seen out;
  MILLRACE_DO(sources.database.read([&](store::Session& session) -> Result<void> {
    if (choice.from != 0 || choice.to != 0) {
      MILLRACE_TRY(out.windows,
                   monitor::read_windows(session, workspace,
                                         {.deployment = deployment, .arm = "", .from = choice.from, .to = choice.to},
                                         {}, static_cast<int64_t>(limits::page_size)));
    } else {
      MILLRACE_TRY(out.windows, monitor::newest_windows(session, workspace, deployment, "", choice.periods));
    }
    MILLRACE_TRY(out.alerts, monitor::headlines(session, workspace, {.deployment = deployment, .kind = "performance"},
                                                static_cast<int64_t>(limits::page_size)));
    MILLRACE_DO(read_retrainings(session, workspace, deployment, out.retrainings));
    MILLRACE_TRY(const auto clock, monitor::read_clock(session, workspace, deployment));
    out.now = clock.event_now != 0 ? clock.event_now : sources.context.now();
    if (clock.event_now != 0) return {};
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT prediction_id, recorded_at FROM labels WHERE workspace = ? AND deployment = ? "
                               "AND revision = 1 ORDER BY batch DESC LIMIT ?",
                               {workspace, deployment, kLagLabels}));
    for (const auto& row : rows) out.labels.emplace_back(row.text(0), row.integer(1));
    return {};
  }));
  return out;
}

// A UUID of version 7 begins with its milliseconds.
Micros time_of(const std::string& id) {
  std::string digits;
  for (const char c : id.substr(0, 13))
    if (c != '-') digits.push_back(c);
  int64_t ms = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ms, 16);
  return error == std::errc() && digits.size() == 12 && end == digits.data() + 12 ? ms * 1000 : 0;
}

Json lag_of(const Seen& seen) {
  std::vector<double> seconds;
  for (const auto& [id, came] : seen.labels)
    if (const Micros asked = time_of(id); asked > 0 && came >= asked)
      seconds.push_back(static_cast<double>(came - asked) / 1e6);
  if (seconds.empty()) return nullptr;
  std::sort(seconds.begin(), seconds.end());
  return {
      {"median_s", seconds[seconds.size() / 2]}, {"p90_s", seconds[seconds.size() * 9 / 10]}, {"n", seconds.size()}};
}

Json threshold_of(const Project* project, const std::string& deployment, const std::string& metric) {
  if (project == nullptr) return nullptr;
  const auto monitors = monitor::read_monitors(*project);
  if (!monitors) return nullptr;
  const auto limit = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  for (const auto& one : *monitors)
    for (const auto& rule : one.rules)
      if (one.deployment == deployment && rule.kind == "performance" && rule.metric == metric)
        return {{"warn", limit(rule.bound.warn)}, {"page", limit(rule.bound.page)}, {"below", rule.bound.below}};
  return nullptr;
}

// What the gates of the stable version measured on held-out rows.
Result<std::map<std::string, Json>> references_of(const PageSources& sources, const std::string& workspace,
                                                  const std::vector<registry::Release>& releases) {
  std::map<std::string, Json> out;
  if (releases.empty()) return out;
  const auto version = sources.registry.get(workspace, releases.front().model, releases.front().version);
  if (!version && version.error().code() == Code::not_found) return out;
  if (!version) return version.error();
  for (const auto& gate : version->gates) {
    if (!gate.value.is_object() || (gate.kind != "auc" && gate.kind != "calibration")) continue;
    out[gate.kind == "auc" ? "auc" : "calibration_error"] = {{"value", number_or_null(number_in(gate.value, "value"))},
                                                             {"low", number_or_null(number_in(gate.value, "low"))},
                                                             {"high", number_or_null(number_in(gate.value, "high"))},
                                                             {"version", version->version}};
  }
  return out;
}

// An arm and version each.
Json series_of(const std::vector<Window>& windows, const std::string& metric) {
  std::map<std::tuple<std::string, std::string, int64_t>, Json> lines;
  for (const auto& window : windows) {
    if (window.arm == monitor::kAllArms) continue;
    const auto& performance = object_in(window.summary, "performance");
    auto point = estimate_of(performance, metric);
    if (point.is_null()) continue;
    point["from"] = to_iso(window.from);
    point["to"] = to_iso(window.to);
    point["n"] = integer_or(object_in(performance, metric), "n", 0);
    lines[{window.arm, window.model, window.version}].push_back(std::move(point));
  }
  Json out = Json::array();
  for (const auto* arm : {"stable", "canary", "shadow"})
    for (auto& [key, points] : lines)
      if (std::get<0>(key) == arm)
        out.push_back(
            {{"arm", arm}, {"model", std::get<1>(key)}, {"version", std::get<2>(key)}, {"points", std::move(points)}});
  return out;
}

Json place_of(const Window& window) {
  return {{"from", to_iso(window.from)}, {"to", to_iso(window.to)}, {"arm", window.arm}, {"version", window.version}};
}

// The newest window of the stable arm that has it.
void add_newest(const std::vector<Window>& windows, Json& out) {
  for (auto window = windows.rbegin(); window != windows.rend(); ++window) {
    if (window->arm != "stable") continue;
    const auto& performance = object_in(window->summary, "performance");
    if (const auto& bins = list_in(performance, "calibration"); out["calibration"].is_null() && !bins.empty()) {
      out["calibration"] = place_of(*window);
      out["calibration"]["bins"] = bins;
    }
    if (const auto& confusion = object_in(performance, "confusion"); out["confusion"].is_null() && !confusion.empty()) {
      out["confusion"] = place_of(*window);
      out["confusion"].update(confusion);
      out["confusion"]["threshold"] = performance.value("threshold", Json());
    }
  }
}

Json labels_of(const std::vector<Window>& windows) {
  Json out = Json::array();
  for (const auto& window : windows) {
    if (window.arm != monitor::kAllArms) continue;
    const auto labels = integer_or(window.summary, "labels", 0), requests = integer_or(window.summary, "requests", 0);
    out.push_back(
        {{"from", to_iso(window.from)},
         {"to", to_iso(window.to)},
         {"labels", labels},
         {"requests", requests},
         {"share", requests == 0 ? Json(nullptr) : Json(static_cast<double>(labels) / static_cast<double>(requests))}});
  }
  return out;
}

// What may explain a bend of the lines, of the time that they cover. What was done to a deployment before it was
// replayed has the time of people, which is no place among its events.
Json markers_of(const Seen& seen, const std::vector<registry::Release>& releases) {
  Json all = seen.retrainings;
  for (const auto& release : releases)
    all.push_back({{"at", to_iso(release.event_time != 0 ? release.event_time : release.created_at)},
                   {"kind", "release"},
                   {"text", release.step + " of " + release.stable().node() +
                                (release.canary ? ", canary " + release.canary->node() : std::string())},
                   {"node", release.node()},
                   {"severity", nullptr}});
  for (const auto& alert : seen.alerts)
    if (alert.at() != 0)
      all.push_back({{"at", to_iso(alert.at())},
                     {"kind", "alert"},
                     {"text", alert.title()},
                     {"node", "alert:" + alert.id},
                     {"severity", alert.severity}});
  const auto first = seen.windows.empty() ? std::string() : to_iso(seen.windows.front().from), last = to_iso(seen.now);
  Json out = Json::array();
  for (auto& marker : all)
    if (const auto at = string_or(marker, "at", ""); at >= first && at <= last) out.push_back(std::move(marker));
  std::stable_sort(out.begin(), out.end(),
                   [](const Json& a, const Json& b) { return string_or(a, "at", "") < string_or(b, "at", ""); });
  return out;
}

}  // namespace

Result<Json> performance_page(const PageSources& sources, const std::string& workspace, const Project* project,
                              const std::string& deployment, const WindowChoice& choice) {
  MILLRACE_TRY(const auto releases, sources.registry.releases(workspace, deployment));
  MILLRACE_TRY(const auto references, references_of(sources, workspace, releases));
  MILLRACE_TRY(const auto seen, look(sources, workspace, deployment, choice));
  Json out{{"deployment", deployment}, {"metrics", Json::array()}, {"markers", markers_of(seen, releases)},
           {"calibration", nullptr},   {"confusion", nullptr},     {"labels", labels_of(seen.windows)},
           {"lag", lag_of(seen)}};
  for (const std::string metric : kMetrics) {
    auto series = series_of(seen.windows, metric);
    const auto reference = references.find(metric);
    auto threshold = threshold_of(project, deployment, metric);
    if (series.empty() && threshold.is_null()) continue;
    out["metrics"].push_back({{"metric", metric},
                              {"title", monitor::metric_words(metric)},
                              {"series", std::move(series)},
                              {"reference", reference == references.end() ? Json(nullptr) : reference->second},
                              {"threshold", std::move(threshold)}});
  }
  add_newest(seen.windows, out);
  return out;
}

}  // namespace millrace::report
