#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/history.h"
#include "data/profiles/profile.h"
#include "data/samples/sentence.h"
#include "stats/robust.h"
#include "stats/student.h"

namespace millrace::data {
namespace {

constexpr size_t kLeastHistory = 8;
constexpr double kDay = 86'400e6, kMonth = 30.44 * kDay;
constexpr size_t kRecent = 28;     // versions that say where the level is
constexpr double kSeasonal = 0.8;  // a season must bring the spread down to this
constexpr size_t kSeasonShows = 28;
constexpr double kSeenOnce = 1.25;
constexpr size_t kSeasonRepeats = 3;  // values of a place in the season

double metric_of(const std::string& metric, const Json& profile, const std::string& column, double days) {
  const double rows = static_cast<double>(integer_or(profile, "rows", 0));
  if (metric == "row_count") return rows;
  if (metric == "rows_per_day") return days > 0 ? rows / days : std::nan("");
  const Json* columns = find(profile, "columns");
  const Json* one = columns != nullptr ? find(*columns, column) : nullptr;
  if (one == nullptr) return std::nan("");
  const double count = static_cast<double>(integer_or(*one, "count", 0));
  const auto number = [&](const char* key) {
    const Json* value = find(*one, key);
    return value != nullptr && value->is_number() ? value->get<double>() : std::nan("");
  };
  if (metric == "null_rate") return rows > 0 ? number("nulls") / rows : std::nan("");
  if (metric == "distinct")
    return find(*one, "distinct") != nullptr ? static_cast<double>(integer_or((*one)["distinct"], "value", 0))
                                             : std::nan("");
  if (metric == "minimum" || metric == "maximum") return number(metric.c_str());
  if (metric == "true_rate") return count > 0 ? number("true") / count : std::nan("");
  return count > 0 ? number("sum") / count : std::nan("");  // mean
}

struct Seen {
  double value = 0;
  int weekday = 0, month_day = 0, month = 0;
};

Seen seen_at(Micros at, double value) {
  const auto day =
      std::chrono::sys_days{std::chrono::days{static_cast<int64_t>(std::floor(static_cast<double>(at) / kDay))}};
  const std::chrono::year_month_day date{day};
  return {value, static_cast<int>(std::chrono::weekday{day}.c_encoding()),
          static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(static_cast<unsigned>(date.month()))};
}

// Not the robust one: a day of seven that differs is what a season is.
double mean_size(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::abs(value);
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

// What is usual at each place of a season; empty when the history does not show that season.
std::map<int, double> season_of(const std::vector<Seen>& history, int Seen::*place, double spread) {
  std::map<int, std::vector<double>> groups;
  for (const auto& one : history) groups[one.*place].push_back(one.value);
  std::map<int, double> out;
  std::vector<double> left;
  for (const auto& [at, values] : groups) {
    if (values.size() < kSeasonRepeats) return {};
    out[at] = stats::median(values);
    for (const double value : values) left.push_back(value - out[at]);
  }
  if (groups.size() < 2 || !(mean_size(left) < kSeasonal * spread)) return {};
  return out;
}

std::vector<std::string> aggregates(const Rule&, const ScanColumns&) { return {}; }

Outcome finish(const Rule& rule, const Integers&, const BatchFacts& facts) {
  if (facts.history == nullptr || facts.profile == nullptr || facts.history->size() < kLeastHistory)
    return {.note = fmt::format("{} versions before are too few to tell what is usual; {} are needed",
                                facts.history == nullptr ? 0 : facts.history->size(), kLeastHistory)};
  const auto metric = string_or(rule.parameters, "of", "");
  const auto column = rule.columns.empty() ? std::string() : rule.columns[0];
  std::vector<Seen> history;
  std::vector<double> values, steps;
  Micros last = 0;
  for (const auto& past : *facts.history) {
    const Micros at = past.period_to != 0 ? past.period_from : past.recorded_at;
    const double value =
        metric_of(metric, *past.profile, column, static_cast<double>(past.period_to - past.period_from) / kDay);
    if (last != 0) steps.push_back(static_cast<double>(at - last));
    last = at;
    if (std::isnan(value)) continue;
    history.push_back(seen_at(at, value)), values.push_back(value);
  }
  if (history.size() < kLeastHistory) return {.note = "too few of the versions before have a value"};
  const Micros now_at = facts.period_to != 0 ? facts.period_from : facts.now;
  const double now_value = metric_of(metric, facts.profile->to_json(), column,
                                     static_cast<double>(facts.period_to - facts.period_from) / kDay);
  if (std::isnan(now_value)) return {.note = "the batch has no value"};

  const auto now = seen_at(now_at, now_value);
  std::vector<double> about;
  for (const double value : values) about.push_back(value - stats::median(values));
  const double spread = mean_size(about);
  std::map<int, double> season;
  int Seen::*place = nullptr;
  const char* named = "";
  const double step = steps.empty() ? 0 : stats::median(steps);
  const auto attempt = [&](int Seen::*of, const char* word) {
    if (place != nullptr) return;
    season = season_of(history, of, spread);
    if (!season.empty() && season.contains(now.*of)) place = of, named = word;
  };
  if (step <= 1.5 * kDay)
    attempt(&Seen::weekday, "the day of the week"), attempt(&Seen::month_day, "the day of the month");
  if (step > 20 * kDay) attempt(&Seen::month, "the month");
  std::vector<double> left;
  for (const auto& one : history) left.push_back(one.value - (place != nullptr ? season[one.*place] : 0));
  const size_t recent = std::min(kRecent, left.size());
  const double level = stats::median(std::span(left).last(recent));
  const double expected = level + (place != nullptr ? season[now.*place] : 0);
  std::vector<double> away;
  for (const double one : left) away.push_back(one - stats::median(left));
  const double floor = rule.parameters.contains("floor") ? rule.parameters["floor"].get<double>() : 0;
  const double scale = std::max(stats::scaled_mad(away), 1e-9 * std::max(1.0, std::abs(expected)));

  // The budget of false alarms a month is shared by the batches of a month and the anomaly rules of the contract.
  const double a_month = step > 0 ? std::max(1.0, kMonth / step) : 1;
  const double budget =
      rule.parameters.contains("false_alarms_a_month") ? rule.parameters["false_alarms_a_month"].get<double>() : 1;
  const double alpha =
      std::min(0.05, budget / (a_month * static_cast<double>(std::max<size_t>(1, facts.anomaly_rules))));
  const double df = static_cast<double>(history.size()) - 1;
  double allowed = stats::two_sided_t(1 - alpha, df) * scale * std::sqrt(1 + 1 / static_cast<double>(recent));
  // A history too short to show a season: what has been seen once may be a part of it.
  if (place == nullptr && history.size() < kSeasonShows)
    for (const double one : away) allowed = std::max(allowed, kSeenOnce * std::abs(one));
  const double deviation = now_value - expected;
  Outcome out{.value = std::abs(deviation) <= floor ? 0 : std::abs(deviation) / allowed,
              .of = static_cast<int64_t>(history.size())};
  out.effect = deviation / scale;
  out.p_value = 2 * stats::student_cdf(-std::abs(deviation) / scale, df);
  out.interval = {expected - std::max(allowed, floor), expected + std::max(allowed, floor)};
  out.note =
      fmt::format("{} is {}; usual{}{} is {} to {}", metric, number_text(now_value), place != nullptr ? " by " : "",
                  named, number_text(out.interval->first), number_text(out.interval->second));
  return out;
}

}  // namespace

CheckKind anomaly() {
  return {
      .name = "anomaly",
      .summary =
          "a number of the batch's profile is what the versions before let expect, with their season (day of the "
          "week or month of daily batches, month of monthly ones); the value is the deviation over the largest "
          "that is allowed",
      .custom = true,
      .parameters = {{"of",
                      Parameter::Form::choice,
                      true,
                      "the number",
                      {"row_count", "rows_per_day", "null_rate", "mean", "distinct", "minimum", "maximum",
                       "true_rate"}},
                     {"column", Parameter::Form::column, false, "of which column; not for numbers of rows"},
                     {"floor", Parameter::Form::number, false, "a deviation up to this is none, in the number's unit"},
                     {"false_alarms_a_month", Parameter::Form::number, false,
                      "how many all rules of this kind may raise together on good data; 1 if left out"}},
      .runs_on = {"duckdb", "spark"},
      .unit = "of the allowed deviation",
      .highest = 1,
      .by_history = true,
      .aggregates = aggregates,
      .finish = finish};
}

}  // namespace millrace::data
