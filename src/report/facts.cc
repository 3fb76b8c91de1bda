#include "report/facts.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "monitor/alert/headline.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr int kColours = 6;
constexpr std::string_view kArms[] = {"stable", "canary", "shadow"};

std::vector<const Json*> objects_in(const Json& object, std::string_view key) {
  std::vector<const Json*> out;
  for (const auto& item : list_in(object, key))
    if (item.is_object()) out.push_back(&item);
  return out;
}

// Only the newest periods, in order of time.
void keep_newest(Deployment& out) {
  std::stable_sort(out.windows.begin(), out.windows.end(),
                   [](const Json* a, const Json* b) { return time_in(*a, "from") < time_in(*b, "from"); });
  std::set<Micros> periods;
  for (const auto* window : out.windows) periods.insert(time_in(*window, "from"));
  out.periods = periods.size();
  if (periods.size() <= kPeriods) return;
  const auto first = *std::next(periods.begin(), static_cast<ptrdiff_t>(periods.size() - kPeriods));
  std::erase_if(out.windows, [&](const Json* window) { return time_in(*window, "from") < first; });
}

// Windows say what the charts cover; before the first one, the releases.
void find_range(Deployment& out) {
  const auto note = [&](Micros at) {
    if (at == 0) return;
    out.from = out.from == 0 ? at : std::min(out.from, at);
    out.to = std::max(out.to, at);
  };
  for (const auto* window : out.windows) {
    note(time_in(*window, "from"));
    note(time_in(*window, "to"));
  }
  if (!out.windows.empty()) return;
  for (const auto* release : out.releases) note(event_time(*release));
  note(time_in(*out.json, "event_now"));
}

Deployment read_deployment(const Json& json) {
  Deployment out{.json = &json, .name = string_or(json, "name", "")};
  out.releases = objects_in(json, "releases");
  std::stable_sort(out.releases.begin(), out.releases.end(), [](const Json* a, const Json* b) {
    return integer_or(*a, "number", 0) < integer_or(*b, "number", 0);
  });
  out.windows = objects_in(json, "windows");
  out.alerts = objects_in(json, "alerts");
  const auto when = [](const Json& alert) {
    const auto fired = time_in(alert, "fired_at");
    return fired != 0 ? fired : std::max(time_in(alert, "pending_at"), time_in(alert, "to"));
  };
  std::stable_sort(out.alerts.begin(), out.alerts.end(),
                   [&](const Json* a, const Json* b) { return when(*a) > when(*b); });
  keep_newest(out);
  find_range(out);
  return out;
}

}  // namespace

std::vector<const Json*> Deployment::of_arm(std::string_view arm) const {
  std::vector<const Json*> out;
  for (const auto* window : windows)
    if (string_or(*window, "arm", "") == arm) out.push_back(window);
  return out;
}

Facts read_facts(const Json& document) {
  Facts out{.json = &document, .made_at = time_in(document, "made_at")};
  for (const auto* json : objects_in(document, "deployments")) out.deployments.push_back(read_deployment(*json));
  return out;
}

std::string ArmLine::name() const { return fmt::format("version {}, {}", version, arm); }

std::vector<ArmLine> lines_of(const Deployment& deployment, bool with_shadows) {
  std::set<int64_t> versions;
  for (const auto* window : deployment.windows)
    if (string_or(*window, "arm", "") != "all") versions.insert(integer_or(*window, "version", 0));
  std::vector<ArmLine> out;
  int colour = 0;
  for (const auto version : versions) {
    for (int dash = 0; dash < (with_shadows ? 3 : 2); ++dash) {
      ArmLine line{.arm = std::string(kArms[dash]),
                   .version = version,
                   .colour = colour % kColours,
                   .dash = dash,
                   .hollow = dash != 0};
      for (const auto* window : deployment.windows)
        if (string_or(*window, "arm", "") == line.arm && integer_or(*window, "version", 0) == version)
          line.windows.push_back(window);
      if (!line.windows.empty()) out.push_back(std::move(line));
    }
    ++colour;
  }
  return out;
}

Micros middle_of(const Json& window) { return (time_in(window, "from") + time_in(window, "to")) / 2; }

int64_t stable_version(const Json& release) {
  const auto& stable = object_in(release, "stable");
  return integer_or(stable, "version", integer_or(release, "version", 0));
}

Micros event_time(const Json& release) {
  const auto event = time_in(release, "event_time");
  return event != 0 ? event : time_in(release, "created_at");
}

std::string metric_words(std::string_view metric) { return monitor::metric_words(metric); }

std::string title_of(const Json& alert) {
  return monitor::title_of(string_or(alert, "kind", ""), string_or(alert, "subject", ""),
                           integer_or(alert, "version", 0));
}

bool is_open(const Json& alert) {
  const auto state = string_or(alert, "state", "");
  return state == "pending" || state == "firing" || state == "acknowledged";
}

std::string cause_of(const Json& alert) {
  const auto& trace = object_in(alert, "trace");
  return string_or(trace, "verdict", "") == "cause" ? string_or(object_in(trace, "cause"), "node", "") : "";
}

std::string value_words(const Json& alert, std::string_view key) {
  const auto kind = string_or(alert, "kind", "");
  const double value = number_in(alert, key);
  if (kind == "latency") return micros(value);
  if (kind == "nulls" || kind == "refusals" || kind == "quarantine") return percent(value, 2);
  return decimal(value, 3);
}

}  // namespace millrace::report
