// How fast answers came and what was refused.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/svg/lines.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr size_t kRefusals = 40;
constexpr std::string_view kQuantiles[] = {"p50", "p95", "p99"};

std::string period_words(const Json& window) { return period(time_in(window, "from"), time_in(window, "to")); }

svg::LineChart latency_of(const Deployment& deployment, const std::vector<const Json*>& windows) {
  svg::LineChart out{.summary = "Latency quantiles in milliseconds, by period",
                     .from = deployment.from,
                     .to = deployment.to,
                     .floor = 0,
                     .from_zero = true};
  for (int i = 0; i < 3; ++i) {
    svg::Line line{.colour = i, .dash = i};
    for (const auto* window : windows) {
      const double us = number_in(object_in(object_in(*window, "summary"), "latency_us"), kQuantiles[i]);
      line.readings.push_back({.at = middle_of(*window),
                               .value = us / 1000,
                               .hint = fmt::format("{}, {}: {}", period_words(*window), kQuantiles[i], micros(us))});
    }
    out.lines.push_back(std::move(line));
  }
  const auto& rules = object_in(object_in(object_in(*deployment.json, "monitor"), "latency"), "p99_us");
  for (const char* severity : {"warn", "page"})
    if (const double at = number_in(rules, severity); std::isfinite(at))
      out.limits.push_back({.at = at / 1000,
                            .words = fmt::format("{} above {} (p99)", severity, micros(at)),
                            .page = std::string_view(severity) == "page"});
  return out;
}

svg::LineChart refused_of(const Deployment& deployment, const std::vector<const Json*>& windows) {
  svg::LineChart out{.summary = "Share of requests refused, by period",
                     .from = deployment.from,
                     .to = deployment.to,
                     .floor = 0,
                     .as_percent = true,
                     .from_zero = true};
  svg::Line line{.colour = 1};
  for (const auto* window : windows) {
    const auto& summary = object_in(*window, "summary");
    const double asked = number_in(summary, "requests"), refused = number_in(summary, "refused");
    line.readings.push_back({.at = middle_of(*window),
                             .value = asked > 0 ? refused / asked : svg::kNothing,
                             .hint = fmt::format("{}: {} of {}", period_words(*window), count(refused), count(asked))});
  }
  out.lines.push_back(std::move(line));
  const auto& rules = object_in(object_in(object_in(*deployment.json, "monitor"), "refusals"), "rate");
  for (const char* severity : {"warn", "page"})
    if (const double at = number_in(rules, severity); std::isfinite(at))
      out.limits.push_back({.at = at,
                            .words = fmt::format("{} above {} (one field)", severity, percent(at)),
                            .page = std::string_view(severity) == "page"});
  return out;
}

svg::LineChart asked_of(const Deployment& deployment, const std::vector<const Json*>& windows) {
  svg::LineChart out{
      .summary = "Requests by period", .from = deployment.from, .to = deployment.to, .floor = 0, .from_zero = true};
  svg::Line line{.colour = 3};
  for (const auto* window : windows) {
    const double asked = number_in(object_in(*window, "summary"), "requests");
    line.readings.push_back(
        {.at = middle_of(*window), .value = asked, .hint = fmt::format("{}: {}", period_words(*window), count(asked))});
  }
  out.lines.push_back(std::move(line));
  return out;
}

Table numbers_of(const std::vector<const Json*>& windows) {
  Table out{.caption = "Requests and latency by period, newest first",
            .columns = {{"period"},
                        {"requests", true},
                        {"answered", true},
                        {"refused", true},
                        {"failed", true},
                        {"p50", true},
                        {"p95", true},
                        {"p99", true},
                        {"mean", true}}};
  for (auto window = windows.rbegin(); window != windows.rend(); ++window) {
    const auto& summary = object_in(**window, "summary");
    const auto& latency = object_in(summary, "latency_us");
    std::vector<std::string> row{period_words(**window)};
    for (const char* key : {"requests", "answered", "refused", "failed"}) row.push_back(count(number_in(summary, key)));
    for (const char* key : {"p50", "p95", "p99", "mean"}) row.push_back(micros(number_in(latency, key)));
    out.rows.push_back(cells(row));
  }
  return out;
}

Html refusals_of(const std::vector<const Json*>& windows) {
  struct Refused {
    double count = 0, most = 0;
    std::string when;
  };
  std::map<std::pair<std::string, std::string>, Refused> by_rule;
  double asked = 0;
  for (const auto* window : windows) {
    const auto& summary = object_in(*window, "summary");
    asked += number_or(summary, "requests", 0);
    for (const auto& refusal : list_in(summary, "refusals")) {
      auto& out = by_rule[{string_or(refusal, "field", ""), string_or(refusal, "rule", "")}];
      const double more = number_or(refusal, "count", 0);
      out.count += more;
      if (more > out.most) {
        out.most = more;
        out.when = period_words(*window);
      }
    }
  }
  if (by_rule.empty()) return paragraph("No request was refused.");
  std::vector<std::pair<std::pair<std::string, std::string>, Refused>> order(by_rule.begin(), by_rule.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  Table out{
      .caption = "Requests refused, by field and rule, most first",
      .columns = {{"field"}, {"rule"}, {"requests", true}, {"of all", true}, {"most in one period", true}, {"when"}},
      .of = order.size()};
  for (const auto& [rule, refused] : order) {
    if (out.rows.size() == kRefusals) break;
    out.rows.push_back(cells({rule.first, rule.second, count(refused.count),
                              percent(asked > 0 ? refused.count / asked : 0, 2), count(refused.most), refused.when}));
  }
  return words("h3", "Refusals") + table(out);
}

Html one(const Deployment& deployment, bool named) {
  Html out;
  if (named) out += words("h3", deployment.name);
  const auto windows = deployment.of_arm("all");
  if (windows.empty())
    return out + nothing("No period was looked at.", fmt::format("millrace monitor look {}", deployment.name));
  const auto& newest = object_in(*windows.back(), "summary");
  const auto& latency = object_in(newest, "latency_us");
  out += paragraph(
      fmt::format("In {} half of the answers took at most {}, 99 of 100 at most {}; {} of {} requests were refused.",
                  period_words(*windows.back()), micros(number_in(latency, "p50")), micros(number_in(latency, "p99")),
                  count(number_in(newest, "refused")), count(number_in(newest, "requests"))));
  out += legend({{0, 0, false, "p50"}, {1, 1, false, "p95"}, {2, 2, false, "p99"}});
  out += figures("By period of event time",
                 {{"Latency, ms", draw(latency_of(deployment, windows))},
                  {"Requests refused", draw(refused_of(deployment, windows))},
                  {"Requests", draw(asked_of(deployment, windows))}},
                 numbers_of(windows));
  return out + refusals_of(windows);
}

}  // namespace

Html write_operations(const Facts& facts) {
  Html out;
  for (const auto& deployment : facts.deployments) out += one(deployment, facts.deployments.size() > 1);
  return out.empty() ? nothing("Nothing is served.", "millrace up") : out;
}

}  // namespace millrace::report
