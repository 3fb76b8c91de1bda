#include "impact/impact.h"

#include <charconv>

#include <fmt/format.h>

#include "impact/times.h"
#include "registry/records.h"

namespace millrace::impact {
namespace {

constexpr std::string_view kDataset = "dataset:";
constexpr double kMicrosPerSecond = 1e6;

Json seconds(const std::optional<Micros>& time) {
  return time ? Json(static_cast<double>(*time) / kMicrosPerSecond) : Json(nullptr);
}

Json moment(Micros time) { return time == 0 ? Json(nullptr) : Json(to_iso(time)); }

// Of a time in a document; 0 where there is none.
Micros time_of(const Json& object, std::string_view key) {
  const auto text = string_or(object, key, "");
  if (text.empty()) return 0;
  auto parsed = parse_time(text);
  return parsed ? *parsed : 0;
}

// The dataset version of a node, or nothing when the node is of another kind or there is no such version.
Result<std::optional<DataVersion>> data_version(const data::Datasets& datasets, const std::string& workspace,
                                                const std::string& node) {
  const std::optional<DataVersion> none;
  const auto at = node.rfind('@');
  if (!node.starts_with(kDataset) || at == std::string::npos) return none;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(node.data() + at + 1, node.data() + node.size(), number);
  if (error != std::errc() || end != node.data() + node.size()) return none;
  const auto found = datasets.get(workspace, node.substr(kDataset.size(), at - kDataset.size()), number);
  if (!found && found.error().code() == Code::not_found) return none;
  if (!found) return found.error();
  return std::optional(DataVersion{.node = node,
                                   .period_from = found->period_from,
                                   .period_to = found->period_to,
                                   .recorded_at = found->recorded_at});
}

// The version on the stable arm of a release.
struct Stable {
  std::string model;
  int64_t version = 0;
  bool operator==(const Stable&) const = default;
};
Stable stable_of(const Json& release) {
  const auto* arm = find(release, "stable");
  const auto& from = arm != nullptr && arm->is_object() ? *arm : release;
  return {string_or(from, "model", string_or(release, "model", "")), integer_or(from, "version", 0)};
}

std::string cause_node(const Json& trace) {
  if (string_or(trace, "verdict", "") != "cause") return "";
  const auto* cause = find(trace, "cause");
  return cause == nullptr ? "" : string_or(*cause, "node", "");
}

}  // namespace

Result<Json> Impact::of(const std::string& workspace, const Project& project, const std::string& deployment) const {
  MILLRACE_TRY(const auto specs, read_values(project));
  for (const auto& spec : specs) {
    if (spec.deployment != deployment) continue;
    std::vector<monitor::Window> windows;
    if (parts_.windows) {
      MILLRACE_TRY(windows, parts_.windows(workspace, deployment));
    }
    auto out = months_of(windows, spec);
    MILLRACE_TRY(out["lead_times"], lead_times(workspace, deployment));
    MILLRACE_TRY(out["reactions"], reactions(workspace, deployment));
    return out;
  }
  return Error{Code::not_found, fmt::format("the project gives the deployment '{}' no value", deployment)}.hint(
      fmt::format("add to millrace.yaml: value: {{{}: {{currency: USD, true_positive: 1, false_positive: 0, "
                  "false_negative: 0, true_negative: 0}}}}",
                  deployment));
}

Result<Json> Impact::lead_times(const std::string& workspace, const std::string& deployment) const {
  MILLRACE_TRY(auto releases, parts_.registry.releases(workspace, deployment));
  Json out = Json::array();
  std::optional<Stable> before;
  for (auto release = releases.rbegin(); release != releases.rend(); ++release) {  // oldest first
    const auto json = release->to_json();
    const auto stable = stable_of(json);
    if (before == stable || stable.version == 0) continue;  // other arms moved, the version that answers did not
    before = stable;
    MILLRACE_TRY(const auto stored,
                 registry::read_one<registry::StoredVersion>(parts_.database, [&](store::Session& session) {
                   return registry::get_stored(session, workspace, stable.model, stable.version);
                 }));
    std::vector<DataVersion> stands_on;
    if (const auto* data = find(stored.facts, "data"); data != nullptr && data->is_array())
      for (const auto& used : *data) {
        MILLRACE_TRY(const auto version, data_version(parts_.datasets, workspace, string_or(used, "node", "")));
        if (version) stands_on.push_back(*version);
      }
    const auto recorded = time_of(json, "created_at");
    const auto event = json.contains("event_time") ? time_of(json, "event_time") : recorded;
    const auto lead = lead_time(stands_on, event, recorded);
    out.push_back({{"release", string_or(json, "node", "")},
                   {"number", integer_or(json, "number", 0)},
                   {"step", string_or(json, "step", "release")},
                   {"model", stable.model},
                   {"version", stable.version},
                   {"newest_event", moment(lead.newest_event)},
                   {"newest_recorded", moment(lead.newest_recorded)},
                   {"event_seconds", seconds(lead.event)},
                   {"recorded_seconds", seconds(lead.recorded)}});
  }
  return out;
}

Result<Json> Impact::reactions(const std::string& workspace, const std::string& deployment) const {
  std::vector<monitor::Alert> alerts;
  if (parts_.alerts) {
    MILLRACE_TRY(alerts, parts_.alerts(workspace, deployment));
  }
  std::stable_sort(alerts.begin(), alerts.end(), [](const auto& a, const auto& b) { return a.fired_at < b.fired_at; });
  Json out = Json::array();
  for (const auto& alert : alerts) {
    const auto cause = cause_node(alert.trace);
    if (cause.empty() || alert.fired_at == 0) continue;
    MILLRACE_TRY(const auto version, data_version(parts_.datasets, workspace, cause));
    const auto cause_from = version ? version->period_from : 0;
    const auto times = reaction(cause_from, alert.fired_at, alert.resolved_at);
    out.push_back({{"alert", alert.id},
                   {"kind", alert.kind},
                   {"subject", alert.subject},
                   {"cause", cause},
                   {"cause_from", moment(cause_from)},
                   {"fired_at", moment(alert.fired_at)},
                   {"resolved_at", moment(alert.resolved_at)},
                   {"detect_seconds", seconds(times.to_detect)},
                   {"restore_seconds", seconds(times.to_restore)},
                   {"open", times.open}});
  }
  return out;
}

}  // namespace millrace::impact
