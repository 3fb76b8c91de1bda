#include "data/contracts/backtest_walk.h"

#include <algorithm>
#include <numeric>

#include "data/profile.h"

namespace millrace::data {
namespace {

constexpr size_t kHistory = 90;  // versions, as a check of a new one looks back

const Json* profile_of(const PastVersion& version) {
  const Json* profile = find(version.findings, "profile");
  const Json* columns = profile == nullptr ? nullptr : find(*profile, "columns");
  return columns == nullptr || columns->empty() ? nullptr : profile;
}

Micros begin_of(const PastVersion& version) { return version.to != 0 ? version.from : version.recorded_at; }

}  // namespace

BacktestWalk::BacktestWalk(const Object& object, const std::vector<Rule>& rules,
                           const std::vector<PastVersion>& versions)
    : object_(object), rules_(rules), versions_(versions), order_(versions.size()) {
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::stable_sort(order_.begin(), order_.end(),
                   [&](size_t a, size_t b) { return begin_of(versions_[a]) < begin_of(versions_[b]); });
  anomaly_rules_ = static_cast<size_t>(std::count_if(
      rules.begin(), rules.end(), [](const Rule& rule) { return rule.kind == "anomaly" && rule.skipped.empty(); }));
}

Outcome BacktestWalk::judge(const Rule& rule, size_t number) const {
  const auto& version = versions_[number];
  const Json* profile = profile_of(version);
  if (profile == nullptr) return {.note = "the version has no profile"};
  if (!rule.columns.empty() && find((*profile)["columns"], rule.columns[0]) == nullptr)
    return {.note = "the version has no such column"};
  History history;
  for (const size_t at : order_) {
    if (at == number) break;
    const auto& before = versions_[at];
    const Json* known = profile_of(before);
    const bool overlaps = version.to != 0 && before.to > version.from;
    if (known == nullptr || overlaps || string_or(before.findings, "verdict", "") == "rejected") continue;
    history.push_back(
        {.period_from = before.from, .period_to = before.to, .recorded_at = before.recorded_at, .profile = *known});
  }
  if (history.size() > kHistory) history.erase(history.begin(), history.end() - static_cast<int64_t>(kHistory));
  const auto now = profile_from(*profile, object_);
  return find_check_kind(rule.kind)->finish(rule, {},
                                            {.rows = now.rows,
                                             .period_from = version.from,
                                             .period_to = version.to,
                                             .now = version.recorded_at,
                                             .profile = &now,
                                             .history = &history,
                                             .anomaly_rules = anomaly_rules_});
}

std::optional<double> BacktestWalk::budget() const {
  std::optional<double> least;
  for (const auto& rule : rules_) {
    if (rule.kind != "anomaly" || !rule.skipped.empty()) continue;
    const Json* said = find(rule.parameters, "false_alarms_a_month");
    const double allowed = said == nullptr ? 1 : said->get<double>();
    least = std::min(least.value_or(allowed), allowed);
  }
  return least;
}

}  // namespace millrace::data
