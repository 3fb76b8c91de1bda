// What fired, how long, who took it, by what it came from.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/svg/timeline.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr size_t kDrawn = 40;

std::string verdict_words(const Json& alert) {
  const auto verdict = string_or(object_in(alert, "trace"), "verdict", "");
  if (verdict == "cause") return cause_of(alert);
  if (verdict == "natural_drift") return "natural drift";
  if (verdict == "not_enough_evidence") return "not enough evidence";
  return "not traced";
}

std::string group_words(const Json& alert) {
  const auto verdict = verdict_words(alert);
  if (cause_of(alert).empty()) return std::string(1, static_cast<char>(verdict[0] - 'a' + 'A')) + verdict.substr(1);
  const auto& cause = object_in(object_in(alert, "trace"), "cause");
  const auto change = string_or(cause, "change", "");
  return "Cause: " + verdict + (change.empty() ? "" : ", " + change);
}

svg::TimeRow row_of(const Json& alert, Micros now) {
  svg::TimeRow out{.name = title_of(alert),
                   .page = string_or(alert, "severity", "") == "page",
                   .ended = time_in(alert, "resolved_at")};
  const auto pending = time_in(alert, "pending_at"), fired = time_in(alert, "fired_at"),
             acknowledged = time_in(alert, "acknowledged_at");
  const Micros end = out.ended != 0 ? out.ended : now;
  const auto begun = pending != 0 ? pending : fired != 0 ? fired : time_in(alert, "to");
  if (fired == 0) {
    out.parts.push_back({svg::State::pending, begun, end});
  } else {
    if (begun < fired) out.parts.push_back({svg::State::pending, begun, fired});
    const bool taken = acknowledged >= fired && acknowledged != 0;
    out.parts.push_back({svg::State::firing, fired, taken ? acknowledged : end});
    if (taken) out.parts.push_back({svg::State::acknowledged, acknowledged, end});
  }
  out.hint = fmt::format("{}: {}, {} against {}", out.name, string_or(alert, "state", ""), value_words(alert, "value"),
                         value_words(alert, "limit"));
  return out;
}

svg::Timeline timeline_of(const Deployment& deployment) {
  svg::Timeline out{.from = deployment.from, .to = std::max(deployment.to, time_in(*deployment.json, "event_now"))};
  for (const auto* alert : deployment.alerts) {
    for (const char* key : {"resolved_at", "fired_at", "acknowledged_at"})
      out.to = std::max(out.to, time_in(*alert, key));
    const auto begun = time_in(*alert, "pending_at");
    if (begun != 0) out.from = out.from == 0 ? begun : std::min(out.from, begun);
  }
  // Room at the end, so that what is open is seen to be.
  out.to += (out.to - out.from) / 30;
  std::vector<std::string> order;
  std::map<std::string, svg::TimeGroup> groups;
  for (size_t i = 0; i < std::min(kDrawn, deployment.alerts.size()); ++i) {
    const auto name = group_words(*deployment.alerts[i]);
    if (groups.count(name) == 0) order.push_back(name);
    groups[name].name = name;
    groups[name].rows.push_back(row_of(*deployment.alerts[i], out.to));
  }
  std::stable_partition(order.begin(), order.end(),
                        [](const std::string& name) { return name.starts_with("Cause: "); });
  for (const auto& name : order) out.groups.push_back(std::move(groups[name]));
  out.summary = fmt::format("{} alerts over event time in {} groups by what they came from", deployment.alerts.size(),
                            out.groups.size());
  return out;
}

std::string action_words(const Json& alert) {
  const auto& action = object_in(alert, "action");
  if (action.empty()) return std::string(kUnknown);
  const auto reason = string_or(action, "reason", "");
  return string_or(action, "kind", "") + (reason.empty() ? "" : ": " + reason);
}

Table numbers_of(const Deployment& deployment) {
  Table out{.caption = "Alerts, newest first",
            .columns = {{"alert"},
                        {"severity"},
                        {"state"},
                        {"period"},
                        {"value", true},
                        {"limit", true},
                        {"fired"},
                        {"resolved"},
                        {"came from"},
                        {"action"},
                        {"who and why"}},
            .of = deployment.alerts.size()};
  for (const auto* alert : deployment.alerts) {
    if (out.rows.size() == kTableRows) break;
    const bool page = string_or(*alert, "severity", "") == "page";
    const auto owner = string_or(*alert, "owner", ""), note = string_or(*alert, "note", "");
    std::vector<Html> row{text(title_of(*alert)), chip(page ? "bad" : "warn", page ? "page" : "warn"),
                          text(string_or(*alert, "state", ""))};
    for (auto& cell : cells({period(time_in(*alert, "from"), time_in(*alert, "to")), value_words(*alert, "value"),
                             value_words(*alert, "limit"), date(time_in(*alert, "fired_at")),
                             date(time_in(*alert, "resolved_at")), verdict_words(*alert), action_words(*alert),
                             owner.empty()  ? note
                             : note.empty() ? owner
                                            : owner + ": " + note}))
      row.push_back(std::move(cell));
    out.rows.push_back(std::move(row));
  }
  return out;
}

Html reviews_of(const Deployment& deployment) {
  Table out{
      .caption = "Questions to people",
      .columns = {{"question"}, {"about", true}, {"state"}, {"opened"}, {"closed"}, {"decision"}, {"by"}, {"why"}}};
  for (const auto& review : list_in(*deployment.json, "reviews")) {
    const auto opened = time_in(review, "opened_at"), closed = time_in(review, "closed_at");
    out.rows.push_back(cells(
        {string_or(review, "summary", ""), counted(static_cast<int64_t>(list_in(review, "subjects").size()), "alert"),
         string_or(review, "state", ""), date(opened), date(closed), string_or(review, "decision", ""),
         string_or(review, "by", ""), string_or(review, "why", "")}));
  }
  return out.rows.empty() ? Html() : words("h3", "Reviews") + table(out);
}

Html one(const Deployment& deployment, bool named) {
  Html out;
  if (named) out += words("h3", deployment.name);
  if (deployment.alerts.empty())
    return out + (deployment.windows.empty() ? nothing("Nothing was looked at, so nothing could fire.",
                                                       fmt::format("millrace monitor look {}", deployment.name))
                                             : paragraph("No rule was broken."));
  const auto open = std::count_if(deployment.alerts.begin(), deployment.alerts.end(),
                                  [](const Json* alert) { return is_open(*alert); });
  const auto caused = std::count_if(deployment.alerts.begin(), deployment.alerts.end(),
                                    [](const Json* alert) { return !cause_of(*alert).empty(); });
  out += paragraph(fmt::format("{} so far, {} not resolved. {} have a proven cause.",
                               counted(static_cast<int64_t>(deployment.alerts.size()), "alert"), open, caused));
  auto wide = timeline_of(deployment), narrow = wide;
  narrow.width = 360;
  narrow.names = 0;
  auto caption = std::string(
      "By event time, grouped by what they came from. Outlined: pending; full: firing; half height: acknowledged; a "
      "tick: resolved; an arrow: still open");
  if (deployment.alerts.size() > kDrawn)
    caption += fmt::format(" (the newest {} of {})", kDrawn, deployment.alerts.size());
  return out + figure(caption, draw(wide), draw(narrow), numbers_of(deployment)) + reviews_of(deployment);
}

}  // namespace

Html write_alerts(const Facts& facts) {
  Html out;
  for (const auto& deployment : facts.deployments) out += one(deployment, facts.deployments.size() > 1);
  return out.empty() ? nothing("Nothing is deployed, so nothing is watched.",
                               "millrace release create DEPLOYMENT --version 1 --why TEXT")
                     : out;
}

}  // namespace millrace::report
