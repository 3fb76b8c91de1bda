// Which version answered which share of the units, step by step, and what shadows would have said.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/svg/share_band.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr size_t kSteps = 60;  // drawn; the table has more

// The versions that were ever on an arm, rising; a version's place is its colour.
std::vector<int64_t> versions_of(const Deployment& deployment) {
  std::vector<int64_t> versions;
  const auto note = [&](int64_t one) {
    if (one != 0 && std::find(versions.begin(), versions.end(), one) == versions.end()) versions.push_back(one);
  };
  for (const auto* release : deployment.releases) {
    note(stable_version(*release));
    note(integer_or(object_in(*release, "canary"), "version", 0));
    for (const auto& shadow : list_in(*release, "shadows")) note(integer_or(shadow, "version", 0));
  }
  std::sort(versions.begin(), versions.end());
  return versions;
}

int colour_of(const std::vector<int64_t>& versions, int64_t version) {
  const auto found = std::find(versions.begin(), versions.end(), version);
  return static_cast<int>((found - versions.begin()) % 6);
}

svg::Stretch stretch_of(const std::vector<int64_t>& versions, const Json& release, Micros from, Micros to) {
  svg::Stretch out{.from = from, .to = to};
  const auto& canary = object_in(release, "canary");
  const double share = canary.empty() ? 0 : std::clamp(number_or(canary, "share", 0), 0.0, 1.0);
  const auto stable = stable_version(release);
  out.shares.push_back({.colour = colour_of(versions, stable),
                        .share = 1 - share,
                        .words = fmt::format("version {}, {}", stable, percent(1 - share, 0)),
                        .shorter = percent(1 - share, 0)});
  if (share > 0) {
    const auto version = integer_or(canary, "version", 0);
    out.shares.push_back({.colour = colour_of(versions, version),
                          .striped = true,
                          .share = share,
                          .words = fmt::format("version {} canary, {}", version, percent(share, 0)),
                          .shorter = percent(share, 0)});
  }
  for (const auto& shadow : list_in(release, "shadows"))
    out.copies.push_back({fmt::format("version {} in the shadow", integer_or(shadow, "version", 0)), "shadow"});
  return out;
}

svg::ShareBand band_of(const Deployment& deployment) {
  svg::ShareBand out;
  const auto versions = versions_of(deployment);
  const size_t first = deployment.releases.size() > kSteps ? deployment.releases.size() - kSteps : 0;
  out.from = event_time(*deployment.releases[first]);
  out.to = std::max({deployment.to, event_time(*deployment.releases.back()), time_in(*deployment.json, "event_now")});
  if (out.to == event_time(*deployment.releases.back()))
    out.to += std::max<Micros>((out.to - out.from) / 8, 3'600'000'000);
  for (size_t i = first; i < deployment.releases.size(); ++i) {
    const auto& release = *deployment.releases[i];
    const auto from = event_time(release);
    const auto to = i + 1 < deployment.releases.size() ? event_time(*deployment.releases[i + 1]) : out.to;
    out.stretches.push_back(stretch_of(versions, release, from, to));
    const auto number = integer_or(release, "number", 0);
    out.steps.push_back({.at = from,
                         .badge = std::to_string(number),
                         .hint = fmt::format("{} {}: {}", number, string_or(release, "step", "release"),
                                             string_or(release, "reason", ""))});
  }
  out.summary = fmt::format("Share of units by version over event time, {} steps; the newest puts {} on version {}",
                            deployment.releases.size(), percent(out.stretches.back().shares.front().share, 0),
                            stable_version(*deployment.releases.back()));
  return out;
}

std::string arms_words(const Json& release) {
  const auto& canary = object_in(release, "canary");
  auto out = fmt::format("version {}", stable_version(release));
  if (!canary.empty())
    out +=
        fmt::format(" and {} on version {}", percent(number_in(canary, "share"), 0), integer_or(canary, "version", 0));
  for (const auto& shadow : list_in(release, "shadows"))
    out += fmt::format("; shadow {}", integer_or(shadow, "version", 0));
  return out;
}

Table steps_of(const Deployment& deployment) {
  Table out{.caption = "Steps, newest first",
            .columns = {{"", true}, {"step"}, {"event time"}, {"who answers then"}, {"by"}, {"why"}, {"recorded"}}};
  for (auto release = deployment.releases.rbegin(); release != deployment.releases.rend(); ++release) {
    if (out.rows.size() == kTableRows) break;
    out.rows.push_back(
        cells({std::to_string(integer_or(**release, "number", 0)), string_or(**release, "step", "release"),
               date(event_time(**release)), arms_words(**release), string_or(**release, "subject", ""),
               string_or(**release, "reason", ""), date(time_in(**release, "created_at"))}));
  }
  out.of = deployment.releases.size();
  return out;
}

Html shadows_of(const Deployment& deployment) {
  Table out{.caption = "What shadows would have said, beside the version that answered",
            .columns = {{"period"},
                        {"shadow"},
                        {"requests", true},
                        {"mean |dp|", true},
                        {"largest |dp|", true},
                        {"other decision", true},
                        {"share", true},
                        {"correlation", true}}};
  for (const auto* window : deployment.windows) {
    const auto& difference = object_in(object_in(*window, "summary"), "difference");
    if (difference.empty()) continue;
    out.rows.push_back(
        cells({period(time_in(*window, "from"), time_in(*window, "to")),
               fmt::format("version {}", integer_or(*window, "version", 0)), count(number_in(difference, "n")),
               decimal(number_in(difference, "mean_abs"), 4), decimal(number_in(difference, "max_abs"), 3),
               count(number_in(difference, "flips")), percent(number_in(difference, "flip_rate"), 2),
               decimal(number_in(difference, "correlation"), 3)}));
  }
  if (out.rows.empty()) return {};
  return words("h3", "Shadows") +
         paragraph(
             "A shadow is asked the same and answers nobody. |dp| is how far its chance lies from the one given; "
             "\"other decision\" counts the rows that it would have decided otherwise.") +
         table(out);
}

Html one(const Deployment& deployment, bool named) {
  Html out;
  if (named) out += words("h3", deployment.name);
  if (deployment.releases.empty())
    return out + nothing("Nothing was released.",
                         fmt::format("millrace release create {} --version 1 --why TEXT", deployment.name));
  auto wide = band_of(deployment), narrow = wide;
  narrow.width = 360;
  const auto& newest = *deployment.releases.back();
  out += paragraph(fmt::format("{} since {}; the newest step, \"{}\", put the traffic on {}.",
                               counted(static_cast<int64_t>(deployment.releases.size()), "step"),
                               date(event_time(*deployment.releases.front())), string_or(newest, "step", "release"),
                               arms_words(newest)));
  std::vector<Key> keys;
  const auto versions = versions_of(deployment);
  for (const auto version : versions)
    keys.push_back({colour_of(versions, version), 0, false, fmt::format("version {}", version)});
  Html figure =
      element("figure", words("figcaption",
                              "Who answers which share of the units, by event time; a canary is drawn darker with a "
                              "dashed edge, a shadow below the axis") +
                            legend(keys) + element("div", {{"class", "wide"}}, draw(wide)) +
                            element("div", {{"class", "narrow"}}, draw(narrow)) + table(steps_of(deployment)));
  return out + figure + shadows_of(deployment);
}

}  // namespace

Html write_traffic(const Facts& facts) {
  Html out;
  for (const auto& deployment : facts.deployments) out += one(deployment, facts.deployments.size() > 1);
  return out.empty() ? nothing("Nothing was released.", "millrace release create DEPLOYMENT --version 1 --why TEXT")
                     : out;
}

}  // namespace millrace::report
