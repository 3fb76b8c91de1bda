// How far the requests went away from what the model was taught.
#include "report/sections/drift_columns.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/svg/canvas.h"
#include "report/svg/heat_map.h"
#include "report/svg/histogram.h"
#include "report/svg/lines.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr size_t kRows = 30, kOverlays = 6, kNullLines = 3, kPhonePeriods = 8;
constexpr double kNameWidth = 260;

bool is_drift_of(const Json& alert, std::string_view column) {
  return string_or(alert, "kind", "") == "drift" && string_or(alert, "subject", "") == column;
}

// Periods in which a column broke its rule.
struct Flags {
  std::vector<std::pair<Micros, Micros>> periods;

  Flags(const Deployment& deployment, const std::string& column) {
    for (const auto* alert : deployment.alerts) {
      if (!is_drift_of(*alert, column)) continue;
      const auto newest = time_in(*alert, "from"), first = time_in(*alert, "first_from");
      periods.emplace_back(first == 0 ? newest : std::min(first, newest), time_in(*alert, "to"));
    }
  }
  bool has(const Json& window) const {
    const auto from = time_in(window, "from"), to = time_in(window, "to");
    return std::any_of(periods.begin(), periods.end(),
                       [&](const auto& period) { return period.first < to && period.second > from; });
  }
};

double limit_in(const Deployment& deployment, const char* severity, double otherwise) {
  const auto& rules = object_in(object_in(object_in(*deployment.json, "monitor"), "drift"), "psi");
  return number_or(rules, severity, otherwise);
}

std::string short_name(const std::string& name) { return svg::fitted(name, kNameWidth); }

std::string psi_words(double psi) {
  return !std::isfinite(psi) ? std::string(kUnknown) : psi >= 10 ? decimal(psi, 0) : decimal(psi, 2);
}

std::string period_short(const Json& window, bool with_year) {
  const auto whole = period(time_in(window, "from"), time_in(window, "to"));
  if (whole.find(" to ") != std::string::npos) return date(time_in(window, "from"));
  return with_year ? whole : whole.substr(0, 3);
}

// The newest `most` periods: a phone has room for less.
svg::HeatMap map_of(const Deployment& deployment, const std::vector<const Json*>& windows,
                    const std::vector<DriftColumn>& columns, double width, size_t most) {
  svg::HeatMap out{
      .summary = fmt::format("PSI of {} columns in {} periods, worst first; the largest is {} of {}", columns.size(),
                             windows.size(), psi_words(columns.front().worst), short_name(columns.front().name)),
      .width = width};
  const size_t first = windows.size() > most ? windows.size() - most : 0;
  for (size_t i = first; i < windows.size(); ++i)
    out.columns.push_back(period_short(*windows[i], width > 500 && i == first));
  const double warn = limit_in(deployment, "warn", 0.1), page = limit_in(deployment, "page", 0.25);
  out.steps = {warn / 2, warn, page, page * 4, page * 12};
  for (size_t i = 0; i < std::min(columns.size(), kRows); ++i) {
    const auto name = short_name(columns[i].name);
    const Flags flags(deployment, columns[i].name);
    svg::HeatRow row{.name = columns[i].score ? name + " (score)" : name};
    for (size_t k = first; k < windows.size(); ++k) {
      const auto* entry = columns[i].periods[k];
      const double psi = entry == nullptr ? svg::kNothing : number_in(*entry, "psi");
      row.cells.push_back(
          {.value = psi,
           .words = psi_words(psi),
           .hint = fmt::format("{}, {}: PSI {}", name, period_short(*windows[k], true), decimal(psi, 3)),
           .flagged = flags.has(*windows[k])});
    }
    out.rows.push_back(std::move(row));
  }
  return out;
}

// The shades of the map, with the limits that they stand for.
Html shades_of(const std::vector<double>& steps) {
  Html list;
  for (size_t i = 0; i <= steps.size(); ++i) {
    svg::Canvas canvas(22, 14, "shade");
    canvas.rect({0, 0}, 22, 14, fmt::format("cell h{}", i));
    const auto said = i == 0 ? "below " + rounded(steps[0])
                             : fmt::format("from {}{}", rounded(steps[i - 1]),
                                           i == 2   ? " (warn)"
                                           : i == 3 ? " (page)"
                                                    : "");
    list += element("li", canvas.finish() + text(said));
  }
  return element("ul", {{"class", "legend"}}, list);
}

std::string effect_words(const Json& entry) {
  const auto kind = string_or(entry, "effect_kind", "");
  return decimal(number_in(entry, "effect"), 2) + (kind == "cohens_d" ? " d" : kind == "cramers_v" ? " V" : "");
}

Table numbers_of(const std::vector<const Json*>& windows, const std::vector<DriftColumn>& columns) {
  Table out{.caption = "Columns by period, largest PSI first",
            .columns = {{"column"},
                        {"period"},
                        {"PSI", true},
                        {"JS", true},
                        {"effect", true},
                        {"rows", true},
                        {"reference rows", true},
                        {"missing", true},
                        {"in the reference", true}}};
  std::vector<std::tuple<double, const DriftColumn*, size_t>> all;
  for (const auto& column : columns)
    for (size_t i = 0; i < windows.size(); ++i)
      if (column.periods[i] != nullptr) all.emplace_back(number_or(*column.periods[i], "psi", -1), &column, i);
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return std::get<0>(a) > std::get<0>(b); });
  out.of = all.size();
  for (const auto& [psi, column, i] : all) {
    if (out.rows.size() == kTableRows) break;
    const auto& entry = *column->periods[i];
    out.rows.push_back(
        cells({short_name(column->name), period(time_in(*windows[i], "from"), time_in(*windows[i], "to")),
               decimal(number_in(entry, "psi"), 3), decimal(number_in(entry, "js"), 3), effect_words(entry),
               count(number_in(entry, "n")), count(number_in(entry, "reference_n")),
               percent(number_in(entry, "null_rate")), percent(number_in(entry, "reference_null_rate"))}));
  }
  return out;
}

// One for each column with an alert, in the period that broke the rule; the score of the newest period last.
struct Overlays {
  std::vector<Small> drawings;
  Table numbers{.caption = "Shares of rows by bin",
                .columns = {{"column"}, {"period"}, {"bin"}, {"now", true}, {"reference", true}}};

  void add(const Json& entry, const std::string& name, const std::string& when, int colour) {
    const auto title = fmt::format("{}, {}: PSI {}", name, when, psi_words(number_in(entry, "psi")));
    const auto bins = distribution_of(entry);
    drawings.push_back(
        {title,
         draw(svg::Overlay{
             .summary = title, .now = bins.now, .reference = bins.reference, .names = bins.names, .colour = colour})});
    double sum = 0, reference_sum = 0;
    for (const double c : bins.now) sum += c;
    for (const double c : bins.reference) reference_sum += c;
    for (size_t i = 0; i < bins.names.size(); ++i)
      numbers.rows.push_back(cells({name, when, bins.names[i], percent(sum > 0 ? bins.now[i] / sum : svg::kNothing),
                                    percent(reference_sum > 0 ? bins.reference[i] / reference_sum : svg::kNothing)}));
  }
};

Overlays overlays_of(const Deployment& deployment, const std::vector<const Json*>& windows,
                     const std::vector<DriftColumn>& columns) {
  Overlays out;
  for (const auto& column : columns) {
    if (column.score || out.drawings.size() >= kOverlays) continue;
    const auto alert = std::find_if(deployment.alerts.begin(), deployment.alerts.end(),
                                    [&](const Json* one) { return is_drift_of(*one, column.name); });
    if (alert == deployment.alerts.end()) continue;
    size_t worst = windows.size();
    for (size_t i = 0; i < windows.size(); ++i)
      if (column.periods[i] != nullptr && (worst == windows.size() || number_or(*column.periods[i], "psi", -1) >
                                                                          number_or(*column.periods[worst], "psi", -1)))
        worst = i;
    if (worst < windows.size())
      out.add(*column.periods[worst], short_name(column.name), period_short(*windows[worst], true), 1);
  }
  for (const auto& column : columns)
    if (column.score && !windows.empty() && column.periods.back() != nullptr)
      out.add(*column.periods.back(), short_name(column.name) + " (score)", period_short(*windows.back(), true), 0);
  return out;
}

// Columns whose share of missing values rose most above the reference's.
svg::LineChart nulls_of(const Deployment& deployment, const std::vector<const Json*>& windows,
                        const std::vector<DriftColumn>& columns, std::vector<Key>& keys) {
  svg::LineChart out{.summary = "Missing values above the reference, in points of the share of rows",
                     .width = 720,
                     .from = deployment.from,
                     .to = deployment.to,
                     .as_percent = true};
  std::vector<std::pair<double, const DriftColumn*>> risen;
  const auto rise = [](const Json* entry) {
    return entry == nullptr ? svg::kNothing : number_in(*entry, "null_rate") - number_in(*entry, "reference_null_rate");
  };
  for (const auto& column : columns) {
    double most = -1;
    for (const auto* entry : column.periods)
      if (std::isfinite(rise(entry))) most = std::max(most, std::fabs(rise(entry)));
    if (most > 0) risen.emplace_back(most, &column);
  }
  std::stable_sort(risen.begin(), risen.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t k = 0; k < std::min(risen.size(), kNullLines); ++k) {
    const auto index = static_cast<int>(k);
    svg::Line line{.colour = index, .dash = index};
    for (size_t i = 0; i < windows.size(); ++i)
      line.readings.push_back(
          {.at = middle_of(*windows[i]), .value = rise(risen[k].second->periods[i]), .hint = risen[k].second->name});
    out.lines.push_back(std::move(line));
    keys.push_back({index, index, false, risen[k].second->name});
  }
  const auto& rules = object_in(object_in(object_in(*deployment.json, "monitor"), "nulls"), "rise");
  for (const char* severity : {"warn", "page"})
    if (const double at = number_in(rules, severity); std::isfinite(at))
      out.limits.push_back({.at = at,
                            .words = fmt::format("{} above {}", severity, percent(at, 0)),
                            .page = std::string_view(severity) == "page"});
  return out;
}

Html nulls_figure(const Deployment& deployment, const std::vector<const Json*>& windows,
                  const std::vector<DriftColumn>& columns) {
  std::vector<Key> keys;
  auto wide = nulls_of(deployment, windows, columns, keys);
  if (keys.empty()) return {};
  auto narrow = wide;
  narrow.width = 350;
  Table numbers{.caption = "Missing values by column and period",
                .columns = {{"column"}, {"period"}, {"missing", true}, {"in the reference", true}}};
  for (const auto& column : columns)
    for (size_t i = 0; i < windows.size(); ++i) {
      const auto* entry = column.periods[i];
      if (entry == nullptr ||
          std::none_of(keys.begin(), keys.end(), [&](const Key& key) { return key.name == column.name; }))
        continue;
      numbers.rows.push_back(
          cells({column.name, period(time_in(*windows[i], "from"), time_in(*windows[i], "to")),
                 percent(number_in(*entry, "null_rate"), 2), percent(number_in(*entry, "reference_null_rate"), 2)}));
    }
  return words("h3", "Missing values") + legend(keys) +
         figure(fmt::format("Missing values above the reference, the {} columns that moved most", keys.size()),
                draw(wide), draw(narrow), numbers);
}

Html one(const Deployment& deployment, bool named) {
  Html out;
  if (named) out += words("h3", deployment.name);
  const auto windows = deployment.of_arm("all");
  const auto columns = drift_columns(windows);
  if (columns.empty())
    return out + nothing("No period was compared with a reference.",
                         fmt::format("millrace monitor look {}", deployment.name));
  const double warn = limit_in(deployment, "warn", 0.1);
  const auto moved =
      std::count_if(columns.begin(), columns.end(), [&](const auto& column) { return column.worst >= warn; });
  out +=
      paragraph(fmt::format("{} of {} columns went beyond a PSI of {} at least once; {} went furthest, to {}.", moved,
                            columns.size(), decimal(warn, 2), columns.front().name, psi_words(columns.front().worst)));
  auto caption = std::string(
      "Population stability index (PSI) against the reference by column and period, worst first; a folded corner marks "
      "an alert");
  if (columns.size() > kRows) caption += fmt::format(" ({} of {} columns)", kRows, columns.size());
  const auto wide = map_of(deployment, windows, columns, 1080, windows.size()),
             narrow = map_of(deployment, windows, columns, 360, kPhonePeriods);
  out += shades_of(wide.steps) + figure(caption, draw(wide), draw(narrow), numbers_of(windows, columns));
  const auto overlays = overlays_of(deployment, windows, columns);
  if (!overlays.drawings.empty())
    out += words("h3", "What moved") + figures(
                                           "Share of rows by bin: bars now, outline in the reference. Columns with an "
                                           "alert, each in its worst period, then the score",
                                           overlays.drawings, overlays.numbers);
  return out + nulls_figure(deployment, windows, columns);
}

}  // namespace

Html write_drift(const Facts& facts) {
  Html out;
  for (const auto& deployment : facts.deployments) out += one(deployment, facts.deployments.size() > 1);
  return out.empty() ? nothing("Nothing is deployed, so nothing was compared.",
                               "millrace release create DEPLOYMENT --version 1 --why TEXT")
                     : out;
}

}  // namespace millrace::report
