// What the answers were worth, what they cost, and how quickly the loop turned.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/svg/bars.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr size_t kMonths = 24;

std::string money_interval(const Json& estimate, const std::string& currency) {
  const double low = number_in(estimate, "low"), high = number_in(estimate, "high");
  auto out = money(number_in(estimate, "value"), currency);
  if (std::isfinite(low) && std::isfinite(high)) out += fmt::format(" ({} to {})", count(low), count(high));
  return out;
}

std::string line_name(const Json& month) {
  return fmt::format("version {}, {}", integer_or(month, "version", 0), string_or(month, "arm", ""));
}

// Colours by version, in order; the same as in the other sections as long as all versions have months.
struct Palette {
  std::vector<int64_t> versions;
  explicit Palette(const Json& impact) {
    for (const auto& month : list_in(impact, "months")) versions.push_back(integer_or(month, "version", 0));
    std::sort(versions.begin(), versions.end());
    versions.erase(std::unique(versions.begin(), versions.end()), versions.end());
  }
  int colour(const Json& month) const {
    return static_cast<int>(
        (std::find(versions.begin(), versions.end(), integer_or(month, "version", 0)) - versions.begin()) % 6);
  }
};

svg::BarChart chart_of(const Json& impact, const std::string& currency, double width) {
  const Palette palette(impact);
  svg::BarChart out{.summary = fmt::format("Gain per 1,000 predictions in {}, by month, version and arm", currency),
                    .width = width};
  for (const auto& month : list_in(impact, "months")) {
    if (!month.value("served", true)) continue;
    const auto name = month_of(string_or(month, "month", ""));
    if (out.groups.empty() || out.groups.back().name != name) out.groups.push_back({name, {}});
    const auto& gain = object_in(object_in(month, "gain"), "per_1000");
    out.groups.back().bars.push_back(
        {.colour = palette.colour(month),
         .hollow = string_or(month, "arm", "") != "stable",
         .value = number_in(gain, "value"),
         .low = number_in(gain, "low"),
         .high = number_in(gain, "high"),
         .hint = fmt::format("{}, {}: {}", name, line_name(month), money_interval(gain, currency))});
  }
  for (auto& group : out.groups)
    std::stable_sort(group.bars.begin(), group.bars.end(),
                     [](const auto& a, const auto& b) { return a.hollow < b.hollow; });
  if (out.groups.size() > kMonths) out.groups.erase(out.groups.begin(), out.groups.end() - kMonths);
  return out;
}

std::vector<Key> keys_of(const Json& impact) {
  const Palette palette(impact);
  std::vector<Key> out;
  for (const auto version : palette.versions)
    out.push_back({static_cast<int>(out.size() % 6), 0, false, fmt::format("version {}", version)});
  return out;
}

Table months_table(const Json& impact, const std::string& currency) {
  Table out{.caption = fmt::format("By month, newest first; amounts in {} with 95 % intervals", currency),
            .columns = {{"month"},
                        {"version and arm"},
                        {"labels", true},
                        {"hits", true},
                        {"false alarms", true},
                        {"misses", true},
                        {"right to wait", true},
                        {"value", true},
                        {"per 1,000", true},
                        {"gain per 1,000", true},
                        {"cost per 1,000", true}}};
  const auto& months = list_in(impact, "months");
  out.of = months.size();
  for (auto month = months.rbegin(); month != months.rend(); ++month) {
    if (out.rows.size() == kTableRows) break;
    const auto& counts = object_in(*month, "counts");
    std::vector<std::string> row{month_of(string_or(*month, "month", "")),
                                 line_name(*month) + (month->value("served", true) ? "" : " (answered nobody)"),
                                 count(number_in(*month, "labels"))};
    for (const char* cell : {"tp", "fp", "fn", "tn"}) row.push_back(count(number_in(counts, cell)));
    row.push_back(money_interval(object_in(*month, "total"), currency));
    row.push_back(money_interval(object_in(*month, "per_1000"), currency));
    row.push_back(money_interval(object_in(object_in(*month, "gain"), "per_1000"), currency));
    row.push_back(money(number_in(object_in(*month, "cost_per_1000"), "total"), currency));
    out.rows.push_back(cells(row));
  }
  return out;
}

Html differences_of(const Json& impact, const std::string& currency) {
  Html list;
  for (const auto& difference : list_in(impact, "differences")) {
    const auto verdict = string_or(difference, "verdict", "");
    const auto canary = integer_or(difference, "canary", 0), stable = integer_or(difference, "stable", 0);
    const auto told =
        verdict == "unclear"
            ? fmt::format("the difference between version {} and version {} holds nothing and less", canary, stable)
            : fmt::format("version {} was worth {} than version {}", canary, verdict == "better" ? "more" : "less",
                          stable);
    list += element(
        "li", chip(verdict == "better"  ? "good"
                   : verdict == "worse" ? "bad"
                                        : "plain",
                   verdict) +
                  " " +
                  text(fmt::format("{}: {}, by {} per 1,000 predictions.", month_of(string_or(difference, "month", "")),
                                   told, money_interval(object_in(difference, "per_1000"), currency))));
  }
  return list.empty() ? Html() : words("h3", "Canary against stable") + element("ul", {{"class", "plain"}}, list);
}

Html leads_of(const Json& impact) {
  Table out{.caption = "From data to release",
            .columns = {{"step"},
                        {"puts on traffic"},
                        {"newest data, event time"},
                        {"lead, event time", true},
                        {"lead, recorded time", true}}};
  for (const auto& lead : list_in(impact, "lead_times"))
    out.rows.push_back(
        cells({fmt::format("{} {}", integer_or(lead, "number", 0), string_or(lead, "step", "")),
               fmt::format("version {}", integer_or(lead, "version", 0)), date(time_in(lead, "newest_event")),
               span(number_in(lead, "event_seconds")), span(number_in(lead, "recorded_seconds"))}));
  if (out.rows.empty()) return {};
  return words("h3", "Lead time") +
         paragraph(
             "From the newest data that a version was taught until it answered. Event time is how old the world it "
             "knew was; "
             "recorded time is how long this installation took.") +
         table(out);
}

Html reactions_of(const Json& impact) {
  Table out{.caption = "From a cause to its alert, and to its end, in event time",
            .columns = {{"alert"}, {"cause"}, {"cause began"}, {"to detect", true}, {"to restore", true}}};
  for (const auto& reaction : list_in(impact, "reactions"))
    out.rows.push_back(
        cells({title_of(reaction), string_or(reaction, "cause", ""), date(time_in(reaction, "cause_from")),
               span(number_in(reaction, "detect_seconds")),
               reaction.value("open", false) ? "still open" : span(number_in(reaction, "restore_seconds"))}));
  if (out.rows.empty()) return {};
  return words("h3", "Time to detect and to restore") + table(out);
}

Html one(const Deployment& deployment, bool named) {
  Html out;
  if (named) out += words("h3", deployment.name);
  const auto& impact = object_in(*deployment.json, "impact");
  if (impact.empty())
    return out + nothing(fmt::format("The project does not say what an answer of {} is worth.", deployment.name),
                         fmt::format("add to millrace.yaml: value: {{{}: {{currency: USD, true_positive: 1, "
                                     "false_positive: 0, false_negative: 0, true_negative: 0}}}}",
                                     deployment.name));
  const auto currency = string_or(impact, "currency", "");
  const auto& total = object_in(impact, "total");
  const auto& outcomes = object_in(impact, "outcomes");
  if (list_in(impact, "months").empty()) {
    out += nothing("No outcome is known yet, so nothing can be counted.",
                   fmt::format("millrace feedback {} FILE --label COLUMN", deployment.name));
  } else {
    out += paragraph(
        fmt::format("{} answers with a known outcome were worth {}. Compared with choosing nobody they gained {}. "
                    "Making them cost {}.",
                    count(number_in(total, "labels")), money_interval(object_in(total, "value"), currency),
                    money_interval(object_in(total, "gain"), currency), money(number_in(total, "cost"), currency)));
    out += words("p", "muted",
                 fmt::format("A hit is worth {}, a false alarm {}, a miss {}, and being right to wait {}. {}",
                             money(number_in(outcomes, "true_positive"), currency),
                             money(number_in(outcomes, "false_positive"), currency),
                             money(number_in(outcomes, "false_negative"), currency),
                             money(number_in(outcomes, "true_negative"), currency), string_or(impact, "method", "")));
    out += legend(keys_of(impact));
    out += figure(fmt::format("Gained per 1,000 predictions compared with choosing nobody, {}, with 95 % intervals; a "
                              "dashed bar is a canary's",
                              currency),
                  draw(chart_of(impact, currency, 1080)), draw(chart_of(impact, currency, 360)),
                  months_table(impact, currency));
  }
  return out + differences_of(impact, currency) + leads_of(impact) + reactions_of(impact);
}

}  // namespace

Html write_impact(const Facts& facts) {
  Html out;
  for (const auto& deployment : facts.deployments) out += one(deployment, facts.deployments.size() > 1);
  return out.empty() ? nothing("Nothing is deployed, so nothing was worth anything.",
                               "millrace release create DEPLOYMENT --version 1 --why TEXT")
                     : out;
}

}  // namespace millrace::report
