#include "main/join_report.h"

#include "core/limits.h"

namespace millrace {
namespace {

// Every page of windows, oldest first.
Result<std::vector<monitor::Window>> all_windows(const monitor::Windows& windows, const std::string& workspace,
                                                 const std::string& deployment) {
  std::vector<monitor::Window> out;
  std::optional<monitor::WindowCursor> after;
  for (;;) {
    MILLRACE_TRY(auto page, windows.list(workspace, {.deployment = deployment}, after, limits::page_size));
    if (page.empty()) return out;
    const auto& last = page.back();
    after = {last.from, last.to, last.arm, last.model, last.version};
    const bool whole = page.size() < limits::page_size;
    std::move(page.begin(), page.end(), std::back_inserter(out));
    if (whole) return out;
  }
}

// Every page of alerts, newest first.
Result<std::vector<monitor::Alert>> all_alerts(const monitor::Alerts& alerts, const std::string& workspace,
                                               const std::string& deployment) {
  std::vector<monitor::Alert> out;
  monitor::AlertFilter filter{.deployment = deployment};
  do {
    MILLRACE_TRY(auto page, alerts.list(workspace, filter));
    for (auto& item : page.items) out.push_back(std::move(item.alert));
    filter.before = page.next;
  } while (!filter.before.empty());
  return out;
}

template <class List>
Json json_list(const List& list) {
  Json out = Json::array();
  for (const auto& one : list) out.push_back(one.to_json());
  return out;
}

}  // namespace

std::unique_ptr<ReportServices> join_report(const ReportParts& p) {
  const auto windows = [&source = p.windows](const std::string& workspace, const std::string& deployment) {
    return all_windows(source, workspace, deployment);
  };
  const auto alerts = [&source = p.alerts](const std::string& workspace, const std::string& deployment) {
    return all_alerts(source, workspace, deployment);
  };
  auto out = std::make_unique<ReportServices>(
      ReportServices{.impact = impact::Impact({p.database, p.datasets, p.registry, windows, alerts}),
                     .sources = {p.context, p.datasets, p.pipelines, p.registry, p.journal}});
  auto& sources = out->sources;
  sources.windows = [windows](const std::string& workspace, const std::string& deployment) -> Result<Json> {
    MILLRACE_TRY(const auto list, windows(workspace, deployment));
    return json_list(list);
  };
  sources.alerts = [alerts](const std::string& workspace, const std::string& deployment) -> Result<Json> {
    MILLRACE_TRY(const auto list, alerts(workspace, deployment));
    return json_list(list);
  };
  sources.reviews = [&reviews = p.reviews](const std::string& workspace, const std::string&) -> Result<Json> {
    MILLRACE_TRY(const auto page, reviews.list(workspace, "", "", review::kAlert));
    return json_list(page.items);
  };
  sources.event_now = [&clock = p.windows](const std::string& workspace, const std::string& deployment) {
    return clock.event_now(workspace, deployment);
  };
  sources.impact = [&impact = out->impact](const std::string& workspace, const Project& project,
                                           const std::string& deployment) {
    return impact.of(workspace, project, deployment);
  };
  sources.served = [&plane = p.data_plane] {
    std::vector<std::string> names;
    for (const auto& model : plane.models()) names.push_back(model.name);
    return names;
  };
  return out;
}

}  // namespace millrace
