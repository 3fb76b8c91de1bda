// What the contracts said of each batch, by month and dataset, and why.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "report/parts.h"
#include "report/render.h"
#include "report/words.h"

namespace millrace::report {
namespace {

constexpr size_t kMonths = 24, kDatasets = 40, kReasons = 30;
constexpr std::string_view kNoPeriod = "no period";

// Batches of one dataset in one month, added up; the worst verdict stands for all.
struct Cell {
  size_t batches = 0, rejected = 0;
  double rows = 0, quarantined = 0;
};

std::string month_key(const Json& version) {
  const auto from = string_or(version, "from", "");
  return from.size() < 7 ? std::string(kNoPeriod) : from.substr(0, 7);
}

Html cell_of(const Cell& cell) {
  if (cell.batches == 0) return element("td", {{"class", "none"}}, text(""));
  const auto rate = cell.rows > 0 ? cell.quarantined / cell.rows : 0;
  std::string_view css = "accepted", sign = "\xE2\x97\x8F";  // a full circle
  std::string said = count(cell.rows);
  if (cell.quarantined > 0) {
    css = "quarantined";
    sign = "\xE2\x97\x90";  // a half one
    said = percent(rate, 1);
  }
  if (cell.rejected > 0) {
    css = "rejected";
    sign = "\xE2\x9C\x95";  // a cross
    said = "rejected";
  }
  const auto hint = fmt::format("{}: {} rows, {} set aside, {} rejected",
                                counted(static_cast<int64_t>(cell.batches), "batch", "batches"), count(cell.rows),
                                count(cell.quarantined), cell.rejected);
  return element("td", {{"class", std::string(css)}, {"title", hint}},
                 element("span", {{"class", "sign"}, {"aria-hidden", "true"}}, text(sign)) + " " + text(said));
}

using Grid = std::map<std::string, std::map<std::string, Cell>>;  // dataset, month

Html grid_of(const Grid& grid, std::vector<std::string> months) {
  const size_t all = months.size();
  if (months.size() > kMonths) months.erase(months.begin(), months.end() - kMonths);
  Html head = element("th", {{"scope", "col"}}, text("dataset"));
  std::string year;
  for (const auto& name : months) {
    const bool dated = name != kNoPeriod, new_year = dated && name.substr(0, 4) != year;
    if (dated) year = name.substr(0, 4);
    head += element(
        "th", {{"scope", "col"}},
        text(dated ? month_of(name).substr(0, 3) : name) + (new_year ? words("span", "year", " " + year) : Html()));
  }
  Html rows;
  size_t shown = 0;
  for (const auto& [dataset, by_month] : grid) {
    if (++shown > kDatasets) break;
    Html row = element("th", {{"scope", "row"}}, text(dataset));
    for (const auto& name : months) {
      const auto found = by_month.find(name);
      row += cell_of(found == by_month.end() ? Cell{} : found->second);
    }
    rows += element("tr", row);
  }
  auto caption = std::string("Rows by dataset and month of event time; a share is what was set aside");
  if (all > months.size()) caption += fmt::format(" (the newest {} of {} months)", months.size(), all);
  if (grid.size() > kDatasets) caption += fmt::format(" ({} of {} datasets)", kDatasets, grid.size());
  return element(
      "div", {{"class", "scroll"}, {"role", "region"}, {"tabindex", "0"}, {"aria-label", "verdicts"}},
      element("table", {{"class", "grid"}},
              element("caption", text(caption)) + element("thead", element("tr", head)) + element("tbody", rows)));
}

std::string reason_words(const Json& reason) {
  const auto told = string_or(reason, "text", "");
  if (!told.empty()) return told;
  const auto column = string_or(reason, "column", ""), rule = string_or(reason, "rule", "");
  return column.empty() ? rule : rule + " on " + column;
}

Html why_of(const std::vector<const Json*>& versions) {
  Html list;
  size_t shown = 0;
  for (const auto* version : versions) {
    if (++shown > kReasons) break;
    const bool rejected = string_or(*version, "verdict", "") == "rejected";
    const auto from = time_in(*version, "from");
    const double rows = number_or(*version, "rows", 0), bad = number_or(*version, "quarantined", 0);
    auto head = fmt::format("{} version {}{}: ", string_or(*version, "dataset", ""), integer_or(*version, "version", 0),
                            from == 0 ? "" : ", " + period(from, time_in(*version, "to")));
    head += rejected ? fmt::format("all {} rows were refused", count(rows))
                     : fmt::format("{} of {} rows ({}) were set aside", count(bad), count(rows),
                                   percent(rows > 0 ? bad / rows : 0, 2));
    std::string reasons;
    for (const auto& reason : list_in(*version, "reasons")) {
      reasons += (reasons.empty() ? "" : "; ") + reason_words(reason);
      if (const double broken = number_in(reason, "rows"); std::isfinite(broken))
        reasons += " (" + count(broken) + " rows break it)";
    }
    list += element("li", chip(rejected ? "bad" : "warn", rejected ? "rejected" : "set aside") + " " +
                              text(head + (reasons.empty() ? "." : ": " + reasons + ".")));
  }
  if (list.empty()) return paragraph("Every batch kept its contract whole.");
  Html out = words("h3", "Why") + element("ul", {{"class", "plain"}}, list);
  if (versions.size() > kReasons)
    out += paragraph(fmt::format("The newest {} of {} are shown.", kReasons, versions.size()));
  return out;
}

Table numbers_of(const std::vector<const Json*>& newest) {
  Table out{.caption = "Dataset versions, newest first",
            .columns = {{"dataset"},
                        {"version", true},
                        {"period"},
                        {"verdict"},
                        {"rows", true},
                        {"set aside", true},
                        {"share", true},
                        {"digest"},
                        {"recorded"}}};
  for (const auto* version : newest) {
    if (out.rows.size() == kTableRows) break;
    const double rows = number_in(*version, "rows"), bad = number_in(*version, "quarantined");
    auto row = cells({string_or(*version, "dataset", ""), count(number_in(*version, "version")),
                      period(time_in(*version, "from"), time_in(*version, "to")), string_or(*version, "verdict", ""),
                      count(rows), count(bad), percent(rows > 0 ? bad / rows : 0, 2)});
    row.push_back(digest_code(string_or(*version, "digest", "")));
    row.push_back(text(moment(time_in(*version, "recorded_at"))));
    out.rows.push_back(std::move(row));
  }
  out.of = newest.size();
  return out;
}

}  // namespace

Html write_data(const Facts& facts) {
  const auto& versions = list_in(facts.all(), "datasets");
  if (versions.empty())
    return nothing("No data has arrived yet.", "millrace data add DATASET FILE --from DATE --to DATE");
  Grid grid;
  std::set<std::string> months;
  std::vector<const Json*> newest, judged;
  for (const auto& version : versions) {
    auto& cell = grid[string_or(version, "dataset", "")][month_key(version)];
    months.insert(month_key(version));
    ++cell.batches;
    cell.rejected += string_or(version, "verdict", "") == "rejected";
    cell.rows += number_or(version, "rows", 0);
    cell.quarantined += number_or(version, "quarantined", 0);
    newest.push_back(&version);
  }
  std::stable_sort(newest.begin(), newest.end(), [](const Json* a, const Json* b) {
    return std::max(time_in(*a, "to"), Micros{0}) > std::max(time_in(*b, "to"), Micros{0});
  });
  for (const auto* version : newest)
    if (string_or(*version, "verdict", "") != "accepted") judged.push_back(version);
  return paragraph(fmt::format("{} of {} taken whole, {} with rows set aside or rejected.",
                               count(static_cast<double>(newest.size() - judged.size())),
                               counted(static_cast<int64_t>(newest.size()), "batch", "batches"), judged.size())) +
         grid_of(grid, {months.begin(), months.end()}) + why_of(judged) + folded(numbers_of(newest));
}

}  // namespace millrace::report
