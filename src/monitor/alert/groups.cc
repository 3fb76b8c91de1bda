#include "monitor/alert/groups.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace millrace::monitor {
namespace {

std::string key_of(const Headline& alert, const std::string& by) {
  if (by == "deployment") return alert.deployment;
  if (by == "cause") return alert.cause;
  return to_iso(alert.from).substr(0, 7);
}

std::string title_of(const AlertGroup& group, const std::string& by) {
  if (by == "cause") return group.group.empty() ? "no cause was found" : "caused by " + group.group;
  return group.group;
}

void add(AlertGroup& group, const Headline& alert) {
  ++group.count;
  if (alert.is_open()) ++group.open;
  const Micros at = alert.at();
  group.first_at = group.first_at == 0 ? at : std::min(group.first_at, at);
  group.last_at = std::max(group.last_at, at);
  if (group.worst.empty() || alert.severity == "page") group.worst = alert.severity;
  if (group.ids.size() < kGroupIds) group.ids.push_back(alert.id);
}

Json moment(Micros time) { return time == 0 ? Json(nullptr) : Json(to_iso(time)); }

}  // namespace

Json AlertGroup::to_json() const {
  return {{"group", group},
          {"title", title},
          {"count", count},
          {"open", open},
          {"first_at", moment(first_at)},
          {"last_at", moment(last_at)},
          {"worst", worst},
          {"ids", ids}};
}

Result<std::vector<AlertGroup>> group_alerts(const std::vector<Headline>& alerts, const std::string& by) {
  if (by != "cause" && by != "deployment" && by != "month")
    return Error{Code::invalid, fmt::format("alerts are not grouped by '{}'", by.substr(0, 100))}.at_field("by").hint(
        "cause, deployment or month");
  std::map<std::string, AlertGroup> found;
  for (const auto& alert : alerts) add(found[key_of(alert, by)], alert);
  std::vector<AlertGroup> out;
  for (auto& [key, group] : found) {
    group.group = key;
    group.title = title_of(group, by);
    out.push_back(std::move(group));
  }
  std::stable_sort(out.begin(), out.end(), [](const AlertGroup& a, const AlertGroup& b) {
    if ((a.open > 0) != (b.open > 0)) return a.open > 0;
    return a.last_at > b.last_at;
  });
  return out;
}

}  // namespace millrace::monitor
