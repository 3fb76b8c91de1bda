#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/history.h"
#include "data/profiles/profile.h"
#include "stats/distance.h"
#include "stats/effect.h"

namespace millrace::data {
namespace {

struct Both {
  std::vector<int64_t> before, now;
  std::vector<double> edges;  // of numbers
  std::string why;            // not empty: they cannot be compared
};

Both histograms(const ColumnProfile& column, const Json& before) {
  Both out;
  const Json* histogram = find(before, "histogram");
  if (histogram == nullptr || column.edges.empty()) return {.why = "one of the versions has no histogram of it"};
  for (const auto& edge : (*histogram)["edges"]) out.edges.push_back(edge.get<double>());
  if (out.edges != column.edges) return {.why = "the edges of the histograms differ: the contract's range changed"};
  for (const auto& count : (*histogram)["counts"]) out.before.push_back(count.get<int64_t>());
  out.now = column.counts;
  return out;
}

// Values that both profiles list, and the others together: a profile lists its most frequent ones.
Both categories(const ColumnProfile& column, const Json& before) {
  std::map<std::string, std::pair<int64_t, int64_t>> counts;
  const Json* top = find(before, "top");
  if (top == nullptr && column.top.empty()) return {.why = "values are too many to be counted one by one"};
  int64_t rest_before = integer_or(before, "count", 0), rest_now = column.count;
  const bool whole_before = top != nullptr && top->size() < 20, whole_now = column.top.size() < 20;
  if (top != nullptr)
    for (const auto& one : *top) counts[string_or(one, "value", "")].first = integer_or(one, "count", 0);
  for (const auto& [value, count] : column.top) counts[value].second = count;
  Both out;
  for (const auto& [value, both] : counts) {
    // A value that a full list does not name may still have rows.
    if ((both.first == 0 && !whole_before) || (both.second == 0 && !whole_now)) continue;
    out.before.push_back(both.first), out.now.push_back(both.second);
    rest_before -= both.first, rest_now -= both.second;
  }
  out.before.push_back(rest_before), out.now.push_back(rest_now);
  return out;
}

Both both_of(const ColumnProfile& column, const Json& before) {
  if (column.masked) return {.why = "the column is masked: its values are not kept"};
  if (column.type == LogicalType::integer || column.type == LogicalType::number) return histograms(column, before);
  if (column.type == LogicalType::string) return categories(column, before);
  if (column.type != LogicalType::boolean) return {.why = "it is neither a number, a text nor a boolean"};
  const int64_t n = integer_or(before, "count", 0), yes = integer_or(before, "true", 0);
  return {.before = {n - yes, yes}, .now = {column.count - column.truths, column.truths}};
}

Result<double> distance(const std::string& name, const Both& both) {
  if (name == "js") return stats::jensen_shannon(both.before, both.now);
  if (name == "l_infinity") return stats::l_infinity(both.before, both.now);
  if (name == "total_variation") return stats::total_variation(both.before, both.now);
  if (name == "wasserstein") return stats::wasserstein(both.before, both.now, both.edges);
  if (name == "ks") {
    MILLRACE_TRY(const auto test, stats::kolmogorov_smirnov(both.before, both.now));
    return test.statistic;
  }
  if (name == "chi_square") return stats::cramers_v(both.before, both.now);
  return stats::psi(both.before, both.now);
}

std::vector<std::string> aggregates(const Rule&, const ScanColumns&) { return {}; }

Outcome finish(const Rule& rule, const Integers&, const BatchFacts& facts) {
  if (facts.history == nullptr || facts.history->empty() || facts.profile == nullptr)
    return {.note = "there is no earlier version to compare with"};
  const auto& column = rule.columns[0];
  const Json* columns = find(*facts.history->back().profile, "columns");
  const Json* before = columns != nullptr ? find(*columns, column) : nullptr;
  if (before == nullptr) return {.note = "the version before has no such column"};
  const auto both = both_of(facts.profile->columns.at(column), *before);
  if (!both.why.empty()) return {.note = both.why};
  const auto name = string_or(rule.parameters, "statistic", "psi");
  const bool ordered = !both.edges.empty();
  if ((name == "ks" || name == "wasserstein") && !ordered)
    return {.note = name + " is for numbers: their order counts"};
  const auto value = distance(name, both);
  if (!value) return {.note = value.error().message()};
  const auto test =
      ordered ? stats::kolmogorov_smirnov(both.before, both.now) : stats::chi_squared(both.before, both.now);
  const auto effect = stats::total_variation(both.before, both.now);
  Outcome out{.value = *value, .of = facts.rows};
  if (test) out.p_value = test->p_value;
  if (effect) out.effect = *effect;
  return out;
}

}  // namespace

CheckKind distribution() {
  return {.name = "distribution",
          .summary =
              "the distribution of a column stays near that of the version before (of `millrace check`: of the "
              "reference), on the frozen bins of its profile; the p value is of Kolmogorov-Smirnov or chi-squared, "
              "the effect is the total variation, 0 to 1",
          .custom = true,
          .parameters = {{"column", Parameter::Form::column, true, "a number, text or boolean"},
                         {"statistic",
                          Parameter::Form::choice,
                          false,
                          "psi if left out; chi_square gives Cramer's V; wasserstein is in the column's unit",
                          {"psi", "js", "ks", "chi_square", "wasserstein", "l_infinity", "total_variation"}},
                         {"between", Parameter::Form::numbers, true, "lowest and highest, both allowed"}},
          .runs_on = {"duckdb", "spark"},
          .unit = "statistic",
          .by_history = true,
          .aggregates = aggregates,
          .finish = finish};
}

}  // namespace millrace::data
