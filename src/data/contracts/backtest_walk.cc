#include "data/contracts/backtest_walk.h"

#include <algorithm>
#include <numeric>

namespace millrace::data {
namespace {

const Json* profile_of(const PastVersion& version) {
  const Json* profile = find(version.findings, "profile");
  const Json* columns = profile == nullptr ? nullptr : find(*profile, "columns");
  return columns == nullptr || columns->empty() ? nullptr : profile;
}

Micros begin_of(const PastVersion& version) { return version.to != 0 ? version.from : version.recorded_at; }

}  // namespace

BacktestWalk::BacktestWalk(const Object& object, const std::vector<Rule>& rules,
                           const std::vector<PastVersion>& versions)
    : rules_(rules), versions_(versions), order_(versions.size()) {
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::stable_sort(order_.begin(), order_.end(),
                   [&](size_t a, size_t b) { return begin_of(versions_[a]) < begin_of(versions_[b]); });
  anomaly_rules_ = static_cast<size_t>(std::count_if(
      rules.begin(), rules.end(), [](const Rule& rule) { return rule.kind == "anomaly" && rule.skipped.empty(); }));
  if (std::none_of(rules.begin(), rules.end(), is_by_history)) return;
  for (const auto& version : versions) {
    const Json* profile = profile_of(version);
    told_.push_back(profile == nullptr ? nullptr : std::make_shared<const Json>(*profile));
    profiles_.push_back(profile == nullptr ? Profile{} : profile_from(*profile, object));
  }
}

// As Datasets finds it for a check.
History BacktestWalk::before(size_t number) const {
  const auto& version = versions_[number];
  History out;
  for (auto at = std::find(order_.rbegin(), order_.rend(), number); at != order_.rend(); ++at) {
    const auto& earlier = versions_[*at];
    const bool overlaps = version.to != 0 && earlier.to > version.from;
    if (*at == number || told_[*at] == nullptr || overlaps || string_or(earlier.findings, "verdict", "") == "rejected")
      continue;
    out.push_back({earlier.from, earlier.to, earlier.recorded_at, told_[*at]});
    if (out.size() == history_versions) break;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

Outcome BacktestWalk::judge(const Rule& rule, size_t number) const {
  const auto& version = versions_[number];
  if (told_[number] == nullptr) return {.note = "the version has no profile"};
  const auto& now = profiles_[number];
  if (!rule.columns.empty() && !now.columns.contains(rule.columns[0]))
    return {.note = "the version has no such column of this type"};
  const auto history = before(number);
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
