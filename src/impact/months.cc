#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "impact/impact.h"
#include "impact/worth.h"

namespace millrace::impact {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kMethod =
    "Mean and variance of the value of one prediction follow exactly from the counts of its four outcomes; intervals "
    "of 95 % are normal on the sum, and Welch's for a difference. Only predictions whose outcome is known count. The "
    "gain is against choosing no row at all.";

// Windows of one month, arm and version, added up.
struct Month {
  std::string model;
  int64_t requests = 0, labels = 0;
  Counts counts;
  double micros = 0, timed = 0;  // sum of durations, and of how many requests

  void add(const monitor::Window& window) {
    model = window.model;
    const auto asked = integer_or(window.summary, "requests", 0);
    requests += asked;
    labels += integer_or(window.summary, "labels", 0);
    if (const auto* latency = find(window.summary, "latency_us")) {
      const double mean = number_or(*latency, "mean", kNan);
      if (std::isfinite(mean)) {
        micros += mean * static_cast<double>(asked);
        timed += static_cast<double>(asked);
      }
    }
    const auto* performance = find(window.summary, "performance");
    const auto* cells = performance == nullptr ? nullptr : find(*performance, "confusion");
    if (cells != nullptr)
      counts.add({integer_or(*cells, "tp", 0), integer_or(*cells, "fp", 0), integer_or(*cells, "fn", 0),
                  integer_or(*cells, "tn", 0)});
  }
  double mean_us() const { return timed > 0 ? micros / timed : kNan; }
};

using Key = std::tuple<std::string, std::string, int64_t>;  // month, arm, version

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json interval_json(const stats::Interval& interval) {
  return {{"value", number(interval.value)}, {"low", number(interval.low)}, {"high", number(interval.high)}};
}

Json per_1000_json(const Worth& worth) {
  auto out = interval_json(worth.per_1000);
  out["n"] = worth.n;
  return out;
}

Json counts_json(const Counts& counts) {
  return {{"tp", counts.true_positives},
          {"fp", counts.false_positives},
          {"fn", counts.false_negatives},
          {"tn", counts.true_negatives}};
}

Json month_json(const Key& key, const Month& month, const ValueSpec& spec) {
  const auto& [name, arm, version] = key;
  const auto worth = worth_of(month.counts, spec.outcomes), gain = gain_of(month.counts, spec.outcomes);
  const auto cost = cost_of(month.mean_us(), month.requests, month.labels, spec.prices);
  return {{"month", name},
          {"arm", arm},
          {"model", month.model},
          {"version", version},
          {"served", arm != "shadow"},
          {"requests", month.requests},
          {"labels", month.labels},
          {"counts", counts_json(month.counts)},
          {"total", interval_json(worth.total)},
          {"per_1000", per_1000_json(worth)},
          {"gain", {{"total", interval_json(gain.total)}, {"per_1000", per_1000_json(gain)}}},
          {"cost_per_1000",
           {{"compute", number(cost.compute)}, {"labels", number(cost.labels)}, {"total", number(cost.total)}}},
          {"mean_us", number(month.mean_us())}};
}

std::string verdict_of(const stats::Interval& interval) {
  return interval.low > 0 ? "better" : interval.high < 0 ? "worse" : "unclear";
}

// One for each month and pair of versions that both arms answered in.
Json differences_of(const std::map<Key, Month>& months, const ValueSpec& spec) {
  Json out = Json::array();
  for (const auto& [key, canary] : months) {
    if (std::get<1>(key) != "canary") continue;
    for (const auto& [other, stable] : months) {
      if (std::get<0>(other) != std::get<0>(key) || std::get<1>(other) != "stable") continue;
      const auto found = difference_of(worth_of(canary.counts, spec.outcomes), worth_of(stable.counts, spec.outcomes));
      if (!found) continue;
      out.push_back({{"month", std::get<0>(key)},
                     {"canary", std::get<2>(key)},
                     {"stable", std::get<2>(other)},
                     {"per_1000", interval_json(found->per_1000)},
                     {"df", number(found->df)},
                     {"verdict", verdict_of(found->per_1000)}});
    }
  }
  return out;
}

Json total_of(const std::map<Key, Month>& months, const ValueSpec& spec) {
  Month all;
  double cost = 0;
  for (const auto& [key, month] : months) {
    if (std::get<1>(key) == "shadow") continue;
    all.requests += month.requests;
    all.labels += month.labels;
    all.counts.add(month.counts);
    const auto one = cost_of(month.mean_us(), month.requests, month.labels, spec.prices).total;
    cost += one * static_cast<double>(month.requests) / 1000;
  }
  return {{"labels", all.labels},
          {"requests", all.requests},
          {"counts", counts_json(all.counts)},
          {"value", interval_json(worth_of(all.counts, spec.outcomes).total)},
          {"gain", interval_json(gain_of(all.counts, spec.outcomes).total)},
          {"cost", number(cost)}};
}

}  // namespace

Json months_of(const std::vector<monitor::Window>& windows, const ValueSpec& spec) {
  std::map<Key, Month> months;
  for (const auto& window : windows)
    if (window.arm != monitor::kAllArms)  // its rows are those of the arms, once more
      months[{to_iso(window.from).substr(0, 7), window.arm, window.version}].add(window);
  Json list = Json::array();
  for (const auto& [key, month] : months) list.push_back(month_json(key, month, spec));
  return {{"deployment", spec.deployment},
          {"currency", spec.currency},
          {"outcomes",
           {{"true_positive", spec.outcomes.true_positive},
            {"false_positive", spec.outcomes.false_positive},
            {"false_negative", spec.outcomes.false_negative},
            {"true_negative", spec.outcomes.true_negative}}},
          {"prices", {{"cpu_hour", spec.prices.cpu_hour}, {"label", spec.prices.label}}},
          {"confidence", 0.95},
          {"method", kMethod},
          {"months", std::move(list)},
          {"differences", differences_of(months, spec)},
          {"total", total_of(months, spec)}};
}

}  // namespace millrace::impact
