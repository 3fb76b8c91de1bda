// How good the answers were, by version and arm, as far as labels tell.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/svg/lines.h"
#include "report/words.h"

namespace millrace::report {
namespace {

struct Metric {
  std::string_view name, caption;
  bool share;  // shown as a percentage
  bool more_is_better;
};
constexpr Metric kMetrics[] = {
    {"auc", "AUC: how well it ranks", false, true},
    {"recall", "Recall: found, of what happened", true, true},
    {"precision", "Precision: right, of what was called", true, true},
    {"calibration_error", "Calibration error: chances off by", true, false},
    {"log_loss", "Log loss: lower is better", false, false},
};

const Json& estimate_in(const Json& window, std::string_view metric) {
  return object_in(object_in(object_in(window, "summary"), "performance"), metric);
}

// What the project file says; where it says nothing, the limits of the alerts that there were.
std::vector<svg::Limit> limits_of(const Deployment& deployment, const Metric& metric) {
  std::vector<svg::Limit> out;
  const auto note = [&](double at, std::string_view severity) {
    if (!std::isfinite(at)) return;
    for (const auto& known : out)
      if (known.at == at) return;
    const auto shown = metric.share ? percent(at, 1) : decimal(at, 2);
    out.push_back({.at = at,
                   .words = fmt::format("{} {} {}", severity, metric.more_is_better ? "below" : "above", shown),
                   .page = severity == "page"});
  };
  const auto& rules = object_in(object_in(object_in(*deployment.json, "monitor"), "performance"), metric.name);
  for (const char* severity : {"page", "warn"})
    for (const char* side : {"_below", "_above"}) note(number_in(rules, std::string(severity) + side), severity);
  if (rules.empty())
    for (const auto* alert : deployment.alerts)
      if (string_or(*alert, "kind", "") == "performance" && string_or(*alert, "subject", "") == metric.name)
        note(number_in(*alert, "limit"), string_or(*alert, "severity", "warn"));
  return out;
}

std::vector<svg::Happening> happenings_of(const Deployment& deployment, const Metric& metric) {
  std::vector<svg::Happening> out;
  for (const auto* release : deployment.releases)
    out.push_back({.at = event_time(*release),
                   .badge = std::to_string(integer_or(*release, "number", 0)),
                   .hint = string_or(*release, "step", "release")});
  for (const auto* alert : deployment.alerts)
    if (string_or(*alert, "kind", "") == "performance" && string_or(*alert, "subject", "") == metric.name)
      out.push_back({.at = (time_in(*alert, "from") + time_in(*alert, "to")) / 2,
                     .badge = "",
                     .hint = title_of(*alert) + ", " + string_or(*alert, "severity", "")});
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  return out;
}

svg::LineChart chart_of(const Deployment& deployment, const Metric& metric, const std::vector<ArmLine>& lines) {
  svg::LineChart out{.from = deployment.from, .to = deployment.to, .floor = 0, .as_percent = metric.share};
  if (metric.name != "log_loss") out.ceiling = 1;
  for (const auto& line : lines) {
    svg::Line drawn{.colour = line.colour, .dash = line.dash, .hollow = line.hollow};
    for (const auto* window : line.windows) {
      const auto& estimate = estimate_in(*window, metric.name);
      // Arms of one period stand beside each other.
      const auto beside = static_cast<Micros>(line.dash) * (deployment.to - deployment.from) / 70;
      drawn.readings.push_back(
          {.at = middle_of(*window) + beside,
           .value = number_in(estimate, "value"),
           .low = number_in(estimate, "low"),
           .high = number_in(estimate, "high"),
           .hint = fmt::format("{}, {}: {}", period(time_in(*window, "from"), time_in(*window, "to")), line.name(),
                               with_interval(estimate, 3))});
    }
    out.lines.push_back(std::move(drawn));
  }
  out.limits = limits_of(deployment, metric);
  out.happenings = happenings_of(deployment, metric);
  out.summary = fmt::format("{} over time, {} lines", metric.caption, lines.size());
  return out;
}

svg::LineChart coverage_of(const Deployment& deployment) {
  svg::LineChart out{.summary = "Share of answers with a label, by period",
                     .from = deployment.from,
                     .to = deployment.to,
                     .floor = 0,
                     .ceiling = 1,
                     .as_percent = true};
  svg::Line line{.colour = 3};
  for (const auto* window : deployment.of_arm("all")) {
    const auto& summary = object_in(*window, "summary");
    const double answered = number_in(summary, "answered"), labels = number_in(summary, "labels");
    line.readings.push_back(
        {.at = middle_of(*window),
         .value = answered > 0 ? labels / answered : svg::kNothing,
         .hint = fmt::format("{}: {} of {}", period(time_in(*window, "from"), time_in(*window, "to")), count(labels),
                             count(answered))});
  }
  out.lines.push_back(std::move(line));
  return out;
}

std::string interval_words(const Json& window, const Metric& metric) {
  const auto& estimate = estimate_in(window, metric.name);
  if (!metric.share) return with_interval(estimate, 3);
  const double value = number_in(estimate, "value");
  if (!std::isfinite(value)) return std::string(kUnknown);
  return fmt::format("{} ({} to {})", percent(value), decimal(number_in(estimate, "low") * 100, 1),
                     decimal(number_in(estimate, "high") * 100, 1));
}

Table numbers_of(const std::vector<ArmLine>& lines) {
  Table out{.caption = "Performance by period, version and arm, newest first",
            .columns = {{"period"}, {"version and arm"}, {"labels", true}, {"threshold", true}}};
  for (const auto& metric : kMetrics) out.columns.push_back({metric_words(metric.name), true});
  out.columns.push_back({"base rate", true});
  std::vector<std::pair<const Json*, std::string>> rows;
  for (const auto& line : lines)
    for (const auto* window : line.windows) rows.emplace_back(window, line.name());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return time_in(*a.first, "from") > time_in(*b.first, "from"); });
  for (const auto& [window, name] : rows) {
    const auto& summary = object_in(*window, "summary");
    std::vector<std::string> row{period(time_in(*window, "from"), time_in(*window, "to")), name,
                                 count(number_in(summary, "labels")),
                                 decimal(number_in(object_in(summary, "performance"), "threshold"), 3)};
    for (const auto& metric : kMetrics) row.push_back(interval_words(*window, metric));
    row.push_back(percent(number_in(estimate_in(*window, "base_rate"), "value")));
    out.rows.push_back(cells(row));
  }
  return out;
}

// "AUC of version 2 was 0.774 (0.763 to 0.785) in Dec 2013, from 0.716 the period before."
std::string newest_words(const std::vector<ArmLine>& lines) {
  const Json* newest = nullptr;
  const Json* before = nullptr;
  const ArmLine* of = nullptr;
  for (const auto& line : lines) {
    if (line.arm != "stable") continue;
    for (const auto* window : line.windows) {
      if (!std::isfinite(number_in(estimate_in(*window, "auc"), "value"))) continue;
      if (newest != nullptr && time_in(*window, "from") < time_in(*newest, "from")) continue;
      before = newest;
      newest = window;
      of = &line;
    }
  }
  if (newest == nullptr) return "No period has enough labels to say how good the answers were.";
  auto out = fmt::format("AUC of version {} was {} in {}", of->version, with_interval(estimate_in(*newest, "auc"), 3),
                         period(time_in(*newest, "from"), time_in(*newest, "to")));
  if (before != nullptr)
    out += fmt::format(", after {} the period before", decimal(number_in(estimate_in(*before, "auc"), "value"), 3));
  return out + fmt::format(", from {} labels.", count(number_in(object_in(*newest, "summary"), "labels")));
}

Html one(const Deployment& deployment, bool named) {
  Html out;
  if (named) out += words("h3", deployment.name);
  const auto lines = lines_of(deployment, true);
  if (lines.empty())
    return out + nothing("No period was looked at.", fmt::format("millrace monitor look {}", deployment.name));
  std::vector<Key> keys;
  for (const auto& line : lines) keys.push_back({line.colour, line.dash, line.hollow, line.name()});
  std::vector<Small> drawings;
  for (const auto& metric : kMetrics)
    drawings.push_back({std::string(metric.caption), draw(chart_of(deployment, metric, lines))});
  drawings.push_back({"Labels: known outcomes, of answers", draw(coverage_of(deployment))});
  out += paragraph(newest_words(lines)) + legend(keys);
  auto caption = std::string(
      "Values with 95 % intervals by period. Numbers in circles are the steps of the section before; a triangle marks "
      "an alert on that value");
  if (deployment.periods > kPeriods)
    caption += fmt::format(" (the newest {} of {} periods)", kPeriods, deployment.periods);
  return out + figures(caption, drawings, numbers_of(lines));
}

}  // namespace

Html write_performance(const Facts& facts) {
  Html out;
  for (const auto& deployment : facts.deployments) out += one(deployment, facts.deployments.size() > 1);
  return out.empty() ? nothing("Nothing is deployed, so nothing was measured.",
                               "millrace release create DEPLOYMENT --version 1 --why TEXT")
                     : out;
}

}  // namespace millrace::report
