#include "data/contracts/backtest.h"

#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/contracts/backtest_walk.h"
#include "data/rules.h"
#include "stats/interval.h"

namespace millrace::data {
namespace {

constexpr double kDay = 86'400e6;
constexpr double kMonth = 30.4375 * kDay;

// What a rule's value was, or why it is not known.
struct Past {
  std::optional<double> value;
  std::optional<bool> fired;  // where the value itself is not known, but on which side of the limit it lies
  bool nothing = false;       // there was nothing to measure: the rule holds
  std::string by;             // finding | profile; "" = undecided
};

Past of_profile(double value) { return {.value = value, .fired = {}, .by = "profile"}; }

Json asked(const Rule& rule) {
  Json parameters = rule.parameters;
  for (const char* key : {"name", "declared"}) parameters.erase(key);
  return {rule.kind, rule.columns, parameters, rule.unit};
}

std::optional<double> edge(const Json& column, const char* key) {
  const Json* found = find(column, key);
  return found != nullptr && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

bool below(double value, const Bound& bound) { return bound.open ? value <= bound.number : value < bound.number; }
bool above(double value, const Bound& bound) { return bound.open ? value >= bound.number : value > bound.number; }

class Stored {
 public:
  Stored(const Object& object, const std::vector<Rule>* before_rules, const PastVersion& version)
      : object_(object), before_rules_(before_rules), version_(version) {
    const Json* profile = find(version.findings, "profile");
    columns_ = profile == nullptr ? nullptr : find(*profile, "columns");
    rows_ = profile == nullptr ? -1 : integer_or(*profile, "rows", -1);
    // A batch that could not be read under its contract was never profiled.
    if (columns_ == nullptr || columns_->empty()) rows_ = -1;
  }

  Past look(const Rule& rule) const {
    if (auto found = of_finding(rule); !found.by.empty()) return found;
    return rows_ < 0 ? Past{} : measured(rule);
  }

 private:
  Past of_finding(const Rule& rule) const {
    if (!version_.under_before || before_rules_ == nullptr) return {};
    const Json* checks = find(version_.findings, "checks");
    if (checks == nullptr) return {};
    for (const auto& old : *before_rules_) {
      if (!old.skipped.empty() || asked(old) != asked(rule) || !same_schema(rule)) continue;
      const Json* found = find(*checks, old.id);
      const Json* value = found == nullptr ? nullptr : find(*found, "value");
      if (value == nullptr) return {};
      if (value->is_number()) return {.value = value->get<double>(), .fired = {}, .by = "finding"};
      return {.value = {}, .fired = {}, .nothing = true, .by = "finding"};
    }
    return {};
  }

  // What these rules ask stands in the schema, which may be another now; the profile tells them.
  static bool same_schema(const Rule& rule) {
    return rule.kind != "range" && rule.kind != "length" && rule.kind != "type" && rule.kind != "multiple";
  }

  const Json* column(const Rule& rule) const {
    return rule.columns.empty() ? nullptr : find(*columns_, rule.columns[0]);
  }

  Past measured(const Rule& rule) const {
    if (rule.kind == "row_count") return row_count(rule);
    const Json* profile = column(rule);
    if (profile == nullptr) return {};
    if (rule.kind == "required") return of_profile(static_cast<double>(integer_or(*profile, "nulls", 0)));
    const auto* property = object_.find(rule.columns[0]);
    const bool same_type = string_or(*profile, "type", "") == name_of(property->type);
    if (!same_type) return {};
    if (rule.kind == "type") return of_profile(static_cast<double>(integer_or(*profile, "wrong_type", 0)));
    if (rule.kind == "null_rate" && !rule.parameters.contains("values")) return null_rate(rule, *profile);
    if (rule.kind == "range") return range(*property, *profile);
    if (rule.kind == "length") return length(*property, *profile);
    if (rule.kind == "set") return set(rule, *profile);
    return rule.kind == "freshness" ? freshness(rule, *profile) : Past{};
  }

  Past row_count(const Rule& rule) const {
    if (!rule.parameters.contains("per")) return of_profile(static_cast<double>(rows_));
    if (version_.to == 0) return {};
    const double unit = rule.parameters["per"] == "hour" ? kDay / 24 : kDay;
    return of_profile(static_cast<double>(rows_) / (static_cast<double>(version_.to - version_.from) / unit));
  }

  Past null_rate(const Rule& rule, const Json& profile) const {
    const auto nulls = static_cast<double>(integer_or(profile, "nulls", 0));
    if (rule.unit == "rows") return of_profile(nulls);
    if (rows_ == 0) return {.value = {}, .fired = {}, .nothing = true, .by = "profile"};
    return of_profile(nulls / static_cast<double>(rows_) * (rule.unit == "percent" ? 100 : 1));
  }

  // The extremes say whether a value lies outside, not how many do.
  static Past range(const Property& property, const Json& profile) {
    const bool numeric = property.type == LogicalType::integer || property.type == LogicalType::number;
    const auto low = edge(profile, "minimum"), high = edge(profile, "maximum");
    if (!numeric) return {};
    const bool odd = integer_or(profile, "nan", 0) + integer_or(profile, "infinite", 0) > 0;
    if (!low || !high) return odd ? Past{} : of_profile(0);
    const bool outside =
        (property.minimum && below(*low, *property.minimum)) || (property.maximum && above(*high, *property.maximum));
    return {.value = {}, .fired = outside || odd, .by = "profile"};
  }

  static Past length(const Property& property, const Json& profile) {
    const auto low = edge(profile, "minimum_length"), high = edge(profile, "maximum_length");
    if (!low || !high) return integer_or(profile, "count", 0) == 0 ? of_profile(0) : Past{};
    return {.value = {},
            .fired = (property.min_length && *low < static_cast<double>(*property.min_length)) ||
                     (property.max_length && *high > static_cast<double>(*property.max_length)),
            .by = "profile"};
  }

  // Exact where the most frequent values are all values.
  Past set(const Rule& rule, const Json& profile) const {
    const Json* top = find(profile, "top");
    if (top == nullptr) return {};
    int64_t seen = 0, outside = 0;
    for (const auto& one : *top) {
      const auto count = integer_or(one, "count", 0);
      seen += count;
      const Json& values = rule.parameters["values"];
      const bool known = std::any_of(values.begin(), values.end(), [&](const Json& value) {
        return (value.is_string() ? value.get<std::string>() : to_text(value)) == string_or(one, "value", "");
      });
      if (!known) outside += count;
    }
    if (seen != integer_or(profile, "count", -1)) return {};
    if (rule.unit == "rows") return of_profile(static_cast<double>(outside));
    if (rows_ == 0) return {.value = {}, .fired = {}, .nothing = true, .by = "profile"};
    return of_profile(static_cast<double>(outside) / static_cast<double>(rows_) * (rule.unit == "percent" ? 100 : 1));
  }

  Past freshness(const Rule& rule, const Json& profile) const {
    const auto newest = parse_time(string_or(profile, "maximum", ""));
    if (!newest) return {};
    const double unit = rule.unit == "s" ? 1e6 : rule.unit == "m" ? 60e6 : rule.unit == "d" ? kDay : 3'600e6;
    const Micros end = version_.to != 0 ? version_.to : version_.recorded_at;
    return of_profile(static_cast<double>(end - *newest) / unit);
  }

  const Object& object_;
  const std::vector<Rule>* before_rules_;
  const PastVersion& version_;
  const Json* columns_ = nullptr;
  int64_t rows_ = -1;
};

double months_of(const std::vector<PastVersion>& versions) {
  Micros first = 0, last = 0;
  for (const auto& version : versions) {
    const Micros from = version.to != 0 ? version.from : version.recorded_at;
    const Micros to = version.to != 0 ? version.to : version.recorded_at;
    first = first == 0 ? from : std::min(first, from);
    last = std::max(last, to);
  }
  return static_cast<double>(last - first) / kMonth;
}

Json three(double scale, const stats::Interval& interval) {
  return {scale * interval.value, scale * interval.low, scale * interval.high};
}

// Shares of versions, and with the pace of versions pages a month.
Result<void> add_rates(Json& out, int64_t fired, int64_t decided, size_t versions, double months) {
  out["share"] = nullptr;
  out["pages_a_month"] = nullptr;
  if (decided == 0) return {};
  MILLRACE_TRY(const auto share, stats::wilson(fired, decided));
  out["share"] = three(1, share);
  if (months > 0) out["pages_a_month"] = three(static_cast<double>(versions) / months, share);
  return {};
}

}  // namespace

Result<Json> backtest(const Contract& candidate, const Object& object, const Contract* before,
                      const std::vector<PastVersion>& versions) {
  if (versions.empty())
    return Error{Code::not_found, "there is no history to test on"}.hint("add batches first: millrace data add");
  MILLRACE_TRY(const auto rules, rules_of(candidate, object));
  std::vector<Rule> before_rules;
  if (before != nullptr) {
    MILLRACE_TRY(const auto* known, before->object(before->objects.size() == 1 ? "" : object.name));
    MILLRACE_TRY(before_rules, rules_of(*before, *known));
  }
  const double months = months_of(versions);
  Json out = Json::object();
  const BacktestWalk walk(object, rules, versions);
  std::set<std::string> any, anomalies, anomalies_judged;
  for (const auto& rule : rules) {
    Json one{{"kind", rule.kind}, {"columns", rule.columns}, {"severity", name_of(rule.severity)}};
    if (!rule.skipped.empty()) {
      one["why"] = rule.skipped;
      out[rule.id] = std::move(one);
      continue;
    }
    int64_t decided = 0, fired = 0, by_finding = 0;
    Json fired_on = Json::array();
    std::string why = "neither the stored findings nor the profiles tell this rule; only the rows would";
    for (size_t number = 0; number < versions.size(); ++number) {
      const auto& version = versions[number];
      Past past;
      if (is_by_history(rule)) {
        const auto outcome = walk.judge(rule, number);
        if (outcome.value) past = of_profile(*outcome.value);
        if (!outcome.value) why = outcome.note;
      } else {
        past = Stored(object, before == nullptr ? nullptr : &before_rules, version).look(rule);
      }
      if (past.by.empty()) continue;
      ++decided;
      if (rule.kind == "anomaly") anomalies_judged.insert(version.node);
      by_finding += past.by == "finding" ? 1 : 0;
      const bool fires = past.fired ? *past.fired : !past.nothing && !rule.limit.holds(*past.value);
      if (!fires) continue;
      ++fired;
      fired_on.push_back({{"version", version.node},
                          {"value", past.value && std::isfinite(*past.value) ? Json(*past.value) : Json()}});
      if (rule.severity != Severity::info) any.insert(version.node);
      if (rule.kind == "anomaly") anomalies.insert(version.node);
    }
    one["decided"] = decided;
    one["undecided"] = static_cast<int64_t>(versions.size()) - decided;
    one["fired"] = fired;
    one["by"] = {{"finding", by_finding}, {"profile", decided - by_finding}};
    one["fired_on"] = std::move(fired_on);
    if (decided < static_cast<int64_t>(versions.size())) one["why"] = why;
    MILLRACE_DO(add_rates(one, fired, decided, versions.size(), months));
    out[rule.id] = std::move(one);
  }
  Json together{{"fired", any.size()}};
  MILLRACE_DO(add_rates(together, static_cast<int64_t>(any.size()), static_cast<int64_t>(versions.size()),
                        versions.size(), months));
  Json answer{{"versions", versions.size()}, {"months", months}, {"rules", out}, {"any", together}};
  if (const auto allowed = walk.budget()) {
    Json budget{{"allowed_a_month", *allowed}, {"fired", anomalies.size()}, {"judged", anomalies_judged.size()}};
    MILLRACE_DO(add_rates(budget, static_cast<int64_t>(anomalies.size()), static_cast<int64_t>(anomalies_judged.size()),
                          versions.size(), months));
    const Json& pages = budget["pages_a_month"];
    budget["verdict"] = !pages.is_array()                    ? "undecided"
                        : pages[2].get<double>() <= *allowed ? "within"
                        : pages[1].get<double>() > *allowed  ? "over"
                                                             : "undecided";
    answer["budget"] = std::move(budget);
  }
  return answer;
}

}  // namespace millrace::data
