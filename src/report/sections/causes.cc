// Where alerts came from: each proven cause as a story with its evidence, the rest in a line each.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/svg/lines.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr size_t kCauses = 12, kOthers = 40, kPoints = 120, kEvidence = 8;

struct Cause {
  std::string node;
  std::vector<const Json*> alerts;  // newest first
};

std::vector<Cause> causes_of(const Facts& facts) {
  std::vector<Cause> out;
  for (const auto& deployment : facts.deployments)
    for (const auto* alert : deployment.alerts) {
      const auto node = cause_of(*alert);
      if (node.empty()) continue;
      const auto found = std::find_if(out.begin(), out.end(), [&](const Cause& cause) { return cause.node == node; });
      if (found == out.end())
        out.push_back({node, {alert}});
      else
        found->alerts.push_back(alert);
    }
  return out;
}

// The candidate that the verdict names.
const Json& candidate_in(const Json& alert) {
  static const Json kNone = Json::object();
  const auto node = cause_of(alert);
  for (const auto& candidate : list_in(object_in(alert, "trace"), "candidates"))
    if (string_or(candidate, "node", "") == node) return candidate;
  return kNone;
}

// The alert whose trace says most.
const Json& telling(const Cause& cause) {
  return **std::max_element(cause.alerts.begin(), cause.alerts.end(), [](const Json* a, const Json* b) {
    return list_in(candidate_in(*a), "evidence").size() < list_in(candidate_in(*b), "evidence").size();
  });
}

// Start of the causing batch's period, where the facts know it.
Micros boundary_of(const Facts& facts, const std::string& node) {
  for (const auto& version : list_in(facts.all(), "datasets"))
    if (string_or(version, "node", "") == node) return time_in(version, "from");
  return 0;
}

Html path_of(const Json& candidate, const Json& alert) {
  Html list;
  const auto node = string_or(candidate, "node", "");
  if (!node.empty()) list += words("li", "path-end", node);
  for (const auto& step : list_in(candidate, "path"))
    if (step.is_string()) list += words("li", step.get<std::string>());
  list += words("li", "path-end", "alert: " + title_of(alert));
  return element("ol", {{"class", "path"}, {"aria-label", "from the cause to the alert"}}, list);
}

Html series_of(const Facts& facts, const Json& evidence, const std::string& node) {
  const auto& series = list_in(evidence, "series");
  if (series.size() < 2) return {};
  svg::Line line{.colour = 0, .marks = series.size() <= 40};
  Table numbers{.caption = "Values around the boundary", .columns = {{"day"}, {"value", true}}, .of = series.size()};
  svg::LineChart chart{.width = 440, .height = 190};
  const size_t step = (series.size() + kPoints - 1) / kPoints;
  for (size_t i = 0; i < series.size(); i += step) {
    const auto at = time_in(series[i], "day");
    const double value = number_in(series[i], "value");
    if (at == 0) continue;
    chart.from = chart.from == 0 ? at : std::min(chart.from, at);
    chart.to = std::max(chart.to, at);
    line.readings.push_back({.at = at, .value = value, .hint = fmt::format("{}: {}", date(at), decimal(value, 3))});
    numbers.rows.push_back(cells({date(at), decimal(value, 3)}));
  }
  chart.lines.push_back(std::move(line));
  const auto at = node.rfind('@');
  if (const auto boundary = boundary_of(facts, node); boundary != 0)
    chart.happenings.push_back(
        {.at = boundary, .badge = at == std::string::npos ? "!" : node.substr(at + 1, 3), .hint = node + " begins"});
  chart.summary = fmt::format("{} values by day around the beginning of {}", series.size(), node);
  auto narrow = chart;
  narrow.width = 330;
  return figure(fmt::format("By day; the line marks the first day of {}", node), draw(chart), draw(narrow), numbers);
}

Html evidence_of(const Facts& facts, const Json& candidate) {
  Html list, drawings;
  size_t shown = 0;
  for (const auto& evidence : list_in(candidate, "evidence")) {
    if (++shown > kEvidence) break;
    const double value = number_in(evidence, "value"), limit = number_in(evidence, "limit");
    auto kind = string_or(evidence, "kind", "");
    std::replace(kind.begin(), kind.end(), '_', ' ');
    Html line = element("strong", text(kind + ": ")) + text(string_or(evidence, "text", ""));
    if (std::isfinite(value) && std::isfinite(limit))
      line += " " + words("span", "muted", fmt::format("(measured {}, limit {})", rounded(value), rounded(limit)));
    list += element("li", line);
    if (drawings.empty()) drawings = series_of(facts, evidence, string_or(candidate, "node", ""));
  }
  list = element("ul", {{"class", "evidence"}}, list);
  return element("div", {{"class", drawings.empty() ? "" : "beside"}}, list + drawings);
}

Html story_of(const Facts& facts, const Cause& cause) {
  const auto& alert = telling(cause);
  const auto& trace = object_in(alert, "trace");
  const auto& candidate = candidate_in(alert);
  const auto change = string_or(object_in(trace, "cause"), "change", "");
  std::string explains;
  for (const auto* one : cause.alerts) explains += (explains.empty() ? "" : ", ") + title_of(*one);
  Html out = element("h3", code(cause.node) + " " + chip("bad", change.empty() ? "cause" : "cause: " + change));
  out += words("p", "story", string_or(trace, "summary", ""));
  out += paragraph(
      fmt::format("It explains {}: {}.", counted(static_cast<int64_t>(cause.alerts.size()), "alert"), explains));
  out += path_of(candidate, alert) + evidence_of(facts, candidate);
  const auto& all = list_in(trace, "candidates");
  if (all.size() > 1)
    out += words("p", "muted",
                 fmt::format("{} weighed; the next best, {}, reached {} against {}.",
                             all.size() == 2 ? "1 other candidate was"
                                             : count(static_cast<double>(all.size() - 1)) + " other candidates were",
                             string_or(all[1], "node", ""), decimal(number_in(all[1], "score"), 2),
                             decimal(number_in(candidate, "score"), 2)));
  return element("article", {{"class", "cause"}}, out);
}

Html others_of(const Facts& facts) {
  Html list;
  size_t all = 0;
  for (const auto& deployment : facts.deployments)
    for (const auto* alert : deployment.alerts) {
      const auto& trace = object_in(*alert, "trace");
      const auto verdict = string_or(trace, "verdict", "");
      if (verdict == "cause") continue;
      if (++all > kOthers) continue;
      const auto word = verdict == "natural_drift"         ? "natural drift"
                        : verdict == "not_enough_evidence" ? "not enough evidence"
                                                           : "not traced";
      const auto told =
          verdict.empty() ? "millrace trace " + string_or(*alert, "id", "ALERT") : string_or(trace, "summary", "");
      list += element("li", chip("plain", word) + " " +
                                element("strong", text(title_of(*alert) + ", " +
                                                       period(time_in(*alert, "from"), time_in(*alert, "to")) + ": ")) +
                                (verdict.empty() ? code(told) : text(told)));
    }
  if (list.empty()) return {};
  Html out = words("h3", "Without a cause in the data") + element("ul", {{"class", "plain"}}, list);
  if (all > kOthers) out += paragraph(fmt::format("The newest {} of {} are shown.", kOthers, all));
  return out;
}

}  // namespace

Html write_causes(const Facts& facts) {
  const auto causes = causes_of(facts);
  const auto others = others_of(facts);
  if (causes.empty() && others.empty()) return paragraph("There is no alert whose cause could be looked for.");
  Html out;
  if (causes.empty()) out += paragraph("No alert has a proven cause.");
  for (size_t i = 0; i < std::min(causes.size(), kCauses); ++i) out += story_of(facts, causes[i]);
  if (causes.size() > kCauses)
    out += paragraph(fmt::format("The newest {} of {} causes are shown.", kCauses, causes.size()));
  return out + others;
}

}  // namespace millrace::report
