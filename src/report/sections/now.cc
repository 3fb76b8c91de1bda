// What is served, whether anything is wrong and since when, and the loop in a row of figures.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/svg/histogram.h"
#include "report/words.h"

namespace millrace::report {
namespace {

struct Trouble {
  std::vector<const Json*> open;  // pages before warnings, newest first
  size_t pages = 0, warnings = 0, pending = 0;
  Micros since = 0;
};

Trouble trouble_of(const Deployment& deployment) {
  Trouble out;
  for (const auto* alert : deployment.alerts) {
    const auto state = string_or(*alert, "state", "");
    if (state == "pending") ++out.pending;
    if (state != "firing" && state != "acknowledged") continue;
    (string_or(*alert, "severity", "") == "page" ? out.pages : out.warnings) += 1;
    out.open.push_back(alert);
    const auto fired = time_in(*alert, "fired_at");
    if (fired != 0) out.since = out.since == 0 ? fired : std::min(out.since, fired);
  }
  std::stable_partition(out.open.begin(), out.open.end(),
                        [](const Json* alert) { return string_or(*alert, "severity", "") == "page"; });
  return out;
}

// "version 2 of late, since 1 Sep 2013"; the canary and shadows beside it.
std::string served_words(const Deployment& deployment) {
  if (deployment.releases.empty()) return "Nothing is released yet.";
  const auto& newest = *deployment.releases.back();
  const auto version = stable_version(newest);
  auto since = event_time(newest);
  for (auto release = deployment.releases.rbegin(); release != deployment.releases.rend(); ++release) {
    if (stable_version(**release) != version) break;
    since = event_time(**release);
  }
  auto out = fmt::format("Version {} of {} answers since {}", version, string_or(newest, "model", deployment.name),
                         date(since));
  if (const auto& canary = object_in(newest, "canary"); !canary.empty())
    out += fmt::format(", version {} is tried on {} of the units", integer_or(canary, "version", 0),
                       percent(number_in(canary, "share"), 0));
  for (const auto& shadow : list_in(newest, "shadows"))
    out += fmt::format(", version {} is asked in the shadow", integer_or(shadow, "version", 0));
  return out + ".";
}

std::string trouble_words(const Trouble& trouble) {
  const auto& worst = *trouble.open.front();
  return fmt::format(
      "{} not resolved ({}, {}), the first since {}. The newest of the worst: {}, {} against a limit of {}.",
      trouble.open.size() == 1 ? "1 alert is" : counted(static_cast<int64_t>(trouble.open.size()), "alert") + " are",
      counted(static_cast<int64_t>(trouble.pages), "page"), counted(static_cast<int64_t>(trouble.warnings), "warning"),
      date(trouble.since), title_of(worst), value_words(worst, "value"), value_words(worst, "limit"));
}

Html status_of(const Deployment& deployment) {
  const auto trouble = trouble_of(deployment);
  const bool bad = trouble.pages > 0, fine = trouble.open.empty();
  auto word =
      fine ? chip("good", "nothing is wrong") : chip(bad ? "bad" : "warn", bad ? "something is wrong" : "look at it");
  if (deployment.windows.empty() && fine) word = chip("plain", "not watched yet");
  auto told = fine ? std::string("No alert is firing.") : trouble_words(trouble);
  if (trouble.pending > 0)
    told += fmt::format(" {} pending: broken once, not long enough to fire.",
                        trouble.pending == 1 ? "1 more is" : count(static_cast<double>(trouble.pending)) + " more are");
  return element("div",
                 {{"class", fine  ? "status good"
                            : bad ? "status bad"
                                  : "status warn"}},
                 element("p", {{"class", "status-name"}}, element("strong", text(deployment.name)) + " " + word) +
                     paragraph(served_words(deployment)) + paragraph(told));
}

struct Figure {
  std::string name, value, more;
  std::vector<double> spark;
};

Html figure_of(const Figure& figure) {
  Html spark;
  if (figure.spark.size() > 1)
    spark = draw(svg::Sparkline{.summary = figure.name + " by period", .values = figure.spark});
  return element("div", {{"class", "key"}},
                 words("dt", figure.name) + element("dd", words("span", "key-value", figure.value) + spark +
                                                              words("span", "key-more", figure.more)));
}

Figure data_figure(const Facts& facts) {
  double rows = 0, bad = 0;
  Micros from = 0, to = 0;
  size_t rejected = 0;
  for (const auto& version : list_in(facts.all(), "datasets")) {
    rows += number_or(version, "rows", 0);
    bad += number_or(version, "quarantined", 0);
    rejected += string_or(version, "verdict", "") == "rejected";
    const auto begin = time_in(version, "from");
    if (begin != 0) from = from == 0 ? begin : std::min(from, begin);
    to = std::max(to, time_in(version, "to"));
  }
  return {.name = "Rows of data",
          .value = count(rows),
          .more = fmt::format("{}; {} set aside, {} rejected", from == 0 ? "no periods" : period(from, to),
                              rows > 0 ? percent(bad / rows, 2) : "nothing",
                              counted(static_cast<int64_t>(rejected), "batch", "batches"))};
}

// Sums over all deployments, by period where that is drawn.
struct Sums {
  double requests = 0, answered = 0, labels = 0;
  std::map<Micros, double> requests_by, labels_by;
};

Sums sums_of(const Facts& facts) {
  Sums out;
  for (const auto& deployment : facts.deployments) {
    for (const auto* window : deployment.of_arm("all")) {
      const auto& summary = object_in(*window, "summary");
      const double asked = number_or(summary, "requests", 0), labels = number_or(summary, "labels", 0);
      out.requests += asked;
      out.answered += number_or(summary, "answered", 0);
      out.labels += labels;
      out.requests_by[time_in(*window, "from")] += asked;
      out.labels_by[time_in(*window, "from")] += labels;
    }
  }
  return out;
}

std::vector<double> values_of(const std::map<Micros, double>& by_time) {
  std::vector<double> out;
  for (const auto& [at, value] : by_time) out.push_back(value);
  return out;
}

Figure alert_figure(const Facts& facts) {
  std::map<std::string, int64_t> by_state;
  for (const auto& deployment : facts.deployments)
    for (const auto* alert : deployment.alerts) ++by_state[string_or(*alert, "state", "")];
  return {.name = "Alerts",
          .value = fmt::format("{} firing", by_state["firing"]),
          .more = fmt::format("{} pending, {} acknowledged, {} resolved", by_state["pending"], by_state["acknowledged"],
                              by_state["resolved"])};
}

Figure release_figure(const Facts& facts) {
  size_t releases = 0, versions = list_in(facts.all(), "models").size();
  for (const auto& deployment : facts.deployments) releases += deployment.releases.size();
  return {.name = "Releases",
          .value = counted(static_cast<int64_t>(releases), "step"),
          .more = counted(static_cast<int64_t>(versions), "model version")};
}

Figure audit_figure(const Facts& facts) {
  const auto& audit = object_in(facts.all(), "audit");
  if (audit.empty()) return {.name = "Audit chain", .value = std::string(kUnknown), .more = "not verified"};
  return {.name = "Audit chain",
          .value = audit.value("intact", false) ? "intact" : "BROKEN",
          .more = counted(integer_or(audit, "lines", 0), "line")};
}

}  // namespace

Html write_now(const Facts& facts) {
  Html out;
  for (const auto& deployment : facts.deployments) out += status_of(deployment);
  if (facts.deployments.empty())
    out += nothing("Nothing is deployed yet.", "millrace release create DEPLOYMENT --version 1 --why TEXT");
  const auto sums = sums_of(facts);
  Html keys = figure_of(data_figure(facts));
  keys += figure_of({.name = "Requests",
                     .value = count(sums.requests),
                     .more = sums.requests > 0 ? percent(sums.answered / sums.requests) + " answered" : "none yet",
                     .spark = values_of(sums.requests_by)});
  keys += figure_of({.name = "Labels",
                     .value = count(sums.labels),
                     .more = sums.answered > 0 ? percent(sums.labels / sums.answered) + " of answers" : "none yet",
                     .spark = values_of(sums.labels_by)});
  keys += figure_of(alert_figure(facts)) + figure_of(release_figure(facts)) + figure_of(audit_figure(facts));
  return out + element("dl", {{"class", "keys"}}, keys);
}

}  // namespace millrace::report
