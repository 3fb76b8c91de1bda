#include "report/pages/features.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/limits.h"
#include "monitor/alert/headline.h"
#include "monitor/spec.h"
#include "monitor/window/newest.h"
#include "report/words.h"

namespace millrace::report {
namespace {

using monitor::Headline;
using monitor::Window;

constexpr size_t kAlerts = 50;

struct Seen {
  std::vector<Window> windows;
  std::vector<Headline> alerts;  // of inputs and scores
};

Result<Seen> look(const PageSources& sources, const std::string& workspace, const std::string& deployment,
                  const WindowChoice& choice) {
  Seen out;
  MILLRACE_DO(sources.database.read([&](store::Session& session) -> Result<void> {
    if (choice.from != 0 || choice.to != 0) {
      MILLRACE_TRY(out.windows, monitor::read_windows(
                                    session, workspace,
                                    {.deployment = deployment, .arm = choice.arm, .from = choice.from, .to = choice.to},
                                    {}, static_cast<int64_t>(limits::page_size)));
    } else {
      MILLRACE_TRY(out.windows, monitor::newest_windows(session, workspace, deployment, choice.arm, choice.periods));
    }
    MILLRACE_TRY(auto alerts, monitor::headlines(session, workspace, {.deployment = deployment},
                                                 static_cast<int64_t>(limits::page_size)));
    for (auto& alert : alerts)
      if (alert.kind == "drift" || alert.kind == "nulls" || alert.kind == "refusals")
        out.alerts.push_back(std::move(alert));
    return {};
  }));
  return out;
}

// {psi, js, nulls}: the project's limits.
Json thresholds_of(const Project* project, const std::string& deployment) {
  Json out{{"psi", nullptr}, {"js", nullptr}, {"nulls", nullptr}};
  if (project == nullptr) return out;
  const auto monitors = monitor::read_monitors(*project);
  if (!monitors) return out;
  const auto limit = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  for (const auto& one : *monitors)
    for (const auto& rule : one.rules)
      if (one.deployment == deployment && (rule.kind == "drift" || rule.kind == "nulls"))
        out[rule.kind == "nulls" ? "nulls" : rule.metric] = {{"warn", limit(rule.bound.warn)},
                                                             {"page", limit(rule.bound.page)}};
  return out;
}

Json window_json(const Window& window) {
  return {{"node", window.node()},         {"from", to_iso(window.from)},
          {"to", to_iso(window.to)},       {"arm", window.arm},
          {"model", window.model},         {"version", window.version},
          {"as_of", to_iso(window.as_of)}, {"requests", integer_or(window.summary, "requests", 0)}};
}

// One feature over the windows; a window without it has nulls.
struct Series {
  std::string role, type;
  std::vector<double> psi, js, nulls;
  std::vector<int64_t> n;
  double newest() const {
    for (auto at = psi.rbegin(); at != psi.rend(); ++at)
      if (std::isfinite(*at)) return *at;
    return -1;
  }
};

Json numbers(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double value : values) out.push_back(number_or_null(value));
  return out;
}

const Json& part(const Json& of, const char* key) {
  static const Json none;
  const auto* found = find(of, key);
  return found == nullptr ? none : *found;
}

const Json* column_in(const Window& window, const std::string& feature) {
  for (const auto& column : list_in(window.summary, "columns"))
    if (string_or(column, "column", "") == feature) return &column;
  return nullptr;
}

// What the window's column was compared with.
Json reference_json(const Window& window, const Json& column) {
  const auto& reference = object_in(window.summary, "reference");
  Json out{{"node", string_or(reference, "node", "")},       {"model", string_or(reference, "model", "")},
           {"version", integer_or(reference, "version", 0)}, {"counts", part(column, "reference_counts")},
           {"n", integer_or(column, "reference_n", 0)},      {"null_rate", part(column, "reference_null_rate")},
           {"mean", part(column, "reference_mean")}};
  for (const char* key : {"edges", "categories"})
    if (column.contains(key)) out[key] = column[key];
  return out;
}

}  // namespace

Result<FeaturesPage> features_page(const PageSources& sources, const std::string& workspace, const Project* project,
                                   const std::string& deployment, const WindowChoice& choice) {
  MILLRACE_TRY(const auto seen, look(sources, workspace, deployment, choice));
  FeaturesPage out{.windows = Json::array(), .features = {}};
  std::map<std::string, Series> series;
  const size_t count = seen.windows.size();
  for (size_t i = 0; i < count; ++i) {
    out.windows.push_back(window_json(seen.windows[i]));
    for (const auto& column : list_in(seen.windows[i].summary, "columns")) {
      auto& one = series[string_or(column, "column", "")];
      if (one.psi.empty()) {
        one.psi.assign(count, std::nan("")), one.js = one.nulls = one.psi;
        one.n.assign(count, 0);
      }
      one.role = string_or(column, "role", "input");
      one.type = string_or(column, "type", "");
      one.psi[i] = number_in(column, "psi");
      one.js[i] = number_in(column, "js");
      one.nulls[i] = number_in(column, "null_rate");
      one.n[i] = integer_or(column, "n", 0);
    }
  }
  const auto limits = thresholds_of(project, deployment);
  std::vector<std::pair<double, Json>> ranked;
  for (const auto& [feature, one] : series) {
    const auto mine = [&, name = feature](const Headline& alert) { return alert.subject == name; };
    const auto alerts = std::count_if(seen.alerts.begin(), seen.alerts.end(), mine);
    const auto open = std::count_if(seen.alerts.begin(), seen.alerts.end(),
                                    [&](const Headline& alert) { return mine(alert) && alert.is_open(); });
    ranked.emplace_back(one.newest(), Json{{"feature", feature},
                                           {"role", one.role},
                                           {"type", one.type},
                                           {"psi", numbers(one.psi)},
                                           {"js", numbers(one.js)},
                                           {"nulls", numbers(one.nulls)},
                                           {"n", one.n},
                                           {"importance", nullptr},
                                           {"threshold", limits},
                                           {"alerts", alerts},
                                           {"open_alerts", open}});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [psi, feature] : ranked) out.features.push_back(std::move(feature));
  return out;
}

Result<Json> feature_page(const PageSources& sources, const std::string& workspace, const Project* project,
                          const std::string& deployment, const std::string& feature, const WindowChoice& choice) {
  MILLRACE_TRY(const auto seen, look(sources, workspace, deployment, choice));
  Json out{{"deployment", deployment}, {"feature", feature},
           {"reference", nullptr},     {"references", Json::array()},
           {"edges", nullptr},         {"categories", nullptr},
           {"windows", Json::array()}, {"threshold", thresholds_of(project, deployment)},
           {"alerts", Json::array()}};
  std::set<std::string> known;
  for (const auto& window : seen.windows) {
    for (const auto& column : list_in(window.summary, "columns")) known.insert(string_or(column, "column", ""));
    const auto* column = column_in(window, feature);
    if (column == nullptr) continue;
    auto reference = reference_json(window, *column);
    auto& references = out["references"];
    auto at = std::find(references.begin(), references.end(), reference);
    if (at == references.end()) {
      references.push_back(reference);
      at = std::prev(references.end());
    }
    auto one = window_json(window);
    one["reference"] = at - references.begin();
    one["nulls"] = part(*column, "null_rate");
    for (const char* key : {"counts", "n", "mean", "psi", "js", "effect", "effect_kind"}) one[key] = part(*column, key);
    out["role"] = string_or(*column, "role", "input");
    out["type"] = string_or(*column, "type", "");
    for (const char* key : {"edges", "categories"}) out[key] = part(*column, key);
    out["reference"] = std::move(reference);
    out["windows"].push_back(std::move(one));
  }
  if (out["windows"].empty()) {
    const auto near = did_you_mean(feature, {known.begin(), known.end()});
    return Error{Code::not_found,
                 fmt::format("no window of '{}' has the feature '{}'", deployment, feature.substr(0, 100))}
        .at_field("feature")
        .hint(near            ? fmt::format("did you mean '{}'?", *near)
              : known.empty() ? "features are compared once a monitor with a reference has looked at the deployment"
                              : "GET .../features lists those that there are");
  }
  for (const auto& alert : seen.alerts)
    if (alert.subject == feature && out["alerts"].size() < kAlerts) out["alerts"].push_back(alert.to_json());
  return out;
}

}  // namespace millrace::report
