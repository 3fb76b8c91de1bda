#include "monitor/rollout/difference_part.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "stats/interval.h"
#include "stats/sequential/quantile.h"

namespace millrace::monitor {
namespace {

const Json& at(const Json& json, std::string_view key) {
  static const Json none;
  const auto* found = find(json, key);
  return found == nullptr ? none : *found;
}

Json rate_of(int64_t hits, int64_t rows) {
  const auto rate = stats::wilson(hits, rows);
  return rate ? Json{{"value", rate->value}, {"low", rate->low}, {"high", rate->high}} : Json(nullptr);
}

using Key = std::pair<std::string, std::string>;  // column, value as JSON

std::set<std::string> columns_of(const Json& segments) {
  std::set<std::string> out;
  for (const auto& each : segments) out.insert(string_or(each, "column", ""));
  return out;
}

// `whole`: of each column all values are there, so what one side lacks is not known of it.
Json add_segments(const Json& one, const Json& other, bool whole, bool both_have_rows) {
  std::map<Key, Json> sums;
  std::map<std::string, int64_t> values;
  const auto first = columns_of(one), second = columns_of(other);
  for (const auto* side : {&one, &other})
    for (const auto& each : *side) {
      const auto column = string_or(each, "column", "");
      if (whole && both_have_rows && !(first.contains(column) && second.contains(column))) continue;
      const auto [place, fresh] = sums.try_emplace({column, to_text(at(each, "value"))}, each);
      if (fresh) {
        ++values[column];
        continue;
      }
      auto& sum = place->second;
      for (const char* key : {"rows", "flips"}) sum[key] = integer_or(sum, key, 0) + integer_or(each, key, 0);
      for (const char* key : {"sum", "sum_abs"}) sum[key] = number_or(sum, key, 0) + number_or(each, key, 0);
    }
  Json out = Json::array();
  for (auto& [key, sum] : sums)
    if (!whole || values[key.first] <= kFewValues) out.push_back(std::move(sum));
  return out;
}

Json add_bins(const Json& one, const Json& other) {
  std::map<int64_t, int64_t> sums;
  for (const auto* side : {&one, &other})
    for (const auto& each : *side) sums[each[0].get<int64_t>()] += each[1].get<int64_t>();
  Json out = Json::array();
  for (const auto& [bin, count] : sums) out.push_back({bin, count});
  return out;
}

Json quantiles_of(const Json& part) {
  if (const auto& exact = at(part, "quantiles"); exact.is_object()) return exact;
  stats::LogHistogram histogram;
  for (const auto& each : at(part, "bins")) histogram.add_bin(each[0].get<int>(), each[1].get<int64_t>());
  const double most = number_or(part, "max_abs", 0);
  const auto quantile = [&](double q) {
    const double edge = histogram.quantile(q);
    return edge <= 1 ? 0.0 : std::min(edge * kSmallest, most);
  };
  return {{"p50", quantile(0.5)}, {"p90", quantile(0.9)}, {"p99", quantile(0.99)}};
}

double lower_end(const Json& segment) { return number_or(at(segment, "flip_rate"), "low", 0); }

std::vector<Json> shown(const Json& segments) {
  std::vector<Json> out;
  for (const auto& each : segments) {
    const int64_t rows = integer_or(each, "rows", 0), flips = integer_or(each, "flips", 0);
    if (rows == 0) continue;
    const auto n = static_cast<double>(rows);
    out.push_back({{"column", at(each, "column")},
                   {"value", at(each, "value")},
                   {"rows", rows},
                   {"mean_abs", number_or(each, "sum_abs", 0) / n},
                   {"mean", number_or(each, "sum", 0) / n},
                   {"flips", flips},
                   {"flip_rate", rate_of(flips, rows)}});
  }
  std::stable_sort(out.begin(), out.end(), [](const Json& a, const Json& b) { return lower_end(a) > lower_end(b); });
  return out;
}

}  // namespace

Json empty_difference() {
  return {{"rows", 0},
          {"sum", 0.0},
          {"sum_abs", 0.0},
          {"max_abs", 0.0},
          {"bins", Json::array()},
          {"histogram", std::vector<int64_t>(std::size(kDifferenceEdges) + 1)},
          {"quantiles", nullptr},
          {"flips", 0},
          {"to_positive", 0},
          {"only_stable", 0},
          {"only_shadow", 0},
          {"segments", Json::array()},
          {"groups", Json::array()}};
}

Json add_differences(const Json& one, const Json& other) {
  const bool first = integer_or(one, "rows", 0) > 0, second = integer_or(other, "rows", 0) > 0;
  Json out = first || !second ? one : other;
  for (const char* key : {"rows", "flips", "to_positive", "only_stable", "only_shadow"})
    out[key] = integer_or(one, key, 0) + integer_or(other, key, 0);
  if (!first || !second) return out;
  for (const char* key : {"sum", "sum_abs"}) out[key] = number_or(one, key, 0) + number_or(other, key, 0);
  out["max_abs"] = std::max(number_or(one, "max_abs", 0), number_or(other, "max_abs", 0));
  out["bins"] = add_bins(at(one, "bins"), at(other, "bins"));
  for (size_t i = 0; i < out["histogram"].size(); ++i)
    out["histogram"][i] = at(one, "histogram").at(i).get<int64_t>() + at(other, "histogram").at(i).get<int64_t>();
  out["quantiles"] = nullptr;
  out["segments"] = add_segments(at(one, "segments"), at(other, "segments"), true, true);
  out["groups"] = add_segments(at(one, "groups"), at(other, "groups"), false, true);
  return out;
}

Json difference_report(const Json& part) {
  const int64_t rows = integer_or(part, "rows", 0);
  if (rows == 0) return nullptr;
  const auto n = static_cast<double>(rows);
  const int64_t flips = integer_or(part, "flips", 0), up = integer_or(part, "to_positive", 0);
  auto segments = shown(at(part, "segments"));
  if (segments.size() > kMostSegments) segments.resize(kMostSegments);
  std::map<std::string, size_t> taken;
  Json groups = Json::array();
  for (auto& each : shown(at(part, "groups")))
    if (++taken[string_or(each, "column", "")] <= kMostGroups) groups.push_back(std::move(each));
  return {{"rows", rows},
          {"mean", number_or(part, "sum", 0) / n},
          {"mean_abs", number_or(part, "sum_abs", 0) / n},
          {"max_abs", number_or(part, "max_abs", 0)},
          {"quantiles", quantiles_of(part)},
          {"histogram", {{"edges", kDifferenceEdges}, {"counts", at(part, "histogram")}}},
          {"flips", flips},
          {"flip_rate", rate_of(flips, rows)},
          {"to_positive", up},
          {"to_negative", flips - up},
          {"answered",
           {{"both", rows},
            {"only_stable", integer_or(part, "only_stable", 0)},
            {"only_shadow", integer_or(part, "only_shadow", 0)}}},
          {"segments", segments},
          {"groups", std::move(groups)}};
}

}  // namespace millrace::monitor
