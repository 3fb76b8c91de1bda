#include "monitor/rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "stats/interval.h"
#include "stats/normal.h"

namespace millrace::monitor {
namespace {

constexpr double kChance = 0.001;                 // how often sampling alone may reach a drift that counts
constexpr double kHysteresis = 0.1;               // of the way from the limit to the best value
constexpr double kBitsOfPsi = 5.545177444479562;  // 8 ln 2

// What a kind of rule reads from a window: one value of one subject, before any limit.
struct Measure {
  std::string subject;
  std::string label;  // what the value is, for people
  double value = 0;
  std::optional<stats::Interval> interval;
  int64_t n = 0;
  bool enough = true;           // rows, to decide anything
  bool interval_warns = false;  // the interval decides warnings too
  bool chance_alone = false;    // sampling gives as much: nothing is there
  double best = 0;              // the best possible value
  Json evidence = Json::object();
};

struct Scene {
  const RuleInput& input;
  const Window& window;
  const RuleSpec& rule;

  std::vector<std::string> open_subjects() const {
    std::vector<std::string> out;
    for (const auto& key : input.open)
      if (key.kind == rule.kind && key.arm == window.arm && key.version == window.version) out.push_back(key.subject);
    return out;
  }
  int64_t requests() const { return integer_or(window.summary, "requests", 0); }
};

using Measures = std::vector<Measure>;

const Json& part(const Json& of, std::string_view key) {
  static const Json none;
  const auto* found = find(of, key);
  return found == nullptr ? none : *found;
}

std::optional<double> finite(const Json& of, std::string_view key) {
  const auto& value = part(of, key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) return std::nullopt;
  return value.get<double>();
}

int64_t count_bins(const Json& column) {
  const auto &now = part(column, "counts"), &before = part(column, "reference_counts");
  if (!now.is_array() || !before.is_array() || now.size() != before.size()) return 0;
  int64_t bins = 0;
  for (size_t i = 0; i < now.size(); ++i)
    if ((now[i].is_number() && now[i].get<double>() > 0) || (before[i].is_number() && before[i].get<double>() > 0))
      ++bins;
  return bins;
}

// How often two samples of one population lie this far apart; NaN when the bins are not known.
double chance_of(double psi, int64_t n, int64_t reference_n, int64_t bins) {
  if (n <= 0 || reference_n <= 0 || bins < 2) return std::nan("");
  return stats::chi_squared_tail(psi / (1.0 / static_cast<double>(n) + 1.0 / static_cast<double>(reference_n)),
                                 static_cast<double>(bins - 1));
}

bool is_input(const Json& column) { return string_or(column, "role", "input") == "input"; }

Measures drift(const Scene& scene) {
  Measures out;
  for (const auto& column : part(scene.window.summary, "columns")) {
    if (is_input(column) != (scene.window.arm == kAllArms)) continue;
    const auto name = string_or(column, "column", "");
    const auto value = finite(column, scene.rule.metric);
    const auto n = integer_or(column, "n", 0), reference_n = integer_or(column, "reference_n", 0);
    Measure measure{.subject = name,
                    .label = fmt::format("{} of '{}'", scene.rule.metric == "psi" ? "PSI" : "JS divergence", name),
                    .value = value.value_or(0),
                    .n = n,
                    .enough = value && std::min(n, reference_n) >= scene.input.spec.min_rows};
    const double psi = scene.rule.metric == "js" ? measure.value * kBitsOfPsi : measure.value;
    const double chance = chance_of(psi, n, reference_n, count_bins(column));
    measure.evidence = {{"effect", part(column, "effect")},
                        {"effect_kind", part(column, "effect_kind")},
                        {"reference_n", reference_n},
                        {"chance", std::isnan(chance) ? Json(nullptr) : Json(chance)},
                        {"column", column}};
    measure.chance_alone = chance > kChance;
    out.push_back(std::move(measure));
  }
  return out;
}

Measures nulls(const Scene& scene) {
  Measures out;
  for (const auto& column : part(scene.window.summary, "columns")) {
    const auto now = finite(column, "null_rate"), before = finite(column, "reference_null_rate");
    if (!is_input(column) || !now || !before) continue;
    const auto n = integer_or(column, "n", 0);
    Measure measure{.subject = string_or(column, "column", ""), .value = *now - *before, .n = n};
    measure.label = fmt::format("share of missing values of '{}' above the reference's", measure.subject);
    measure.enough = n > 0 && std::min(n, integer_or(column, "reference_n", 0)) >= scene.input.spec.min_rows;
    if (n > 0) {
      const auto share = stats::wilson_of_share(*now, static_cast<double>(n), stats::two_sided_z(0.95));
      measure.interval = {measure.value, share.low - *before, share.high - *before};
    }
    measure.evidence = {{"null_rate", *now}, {"reference_null_rate", *before}, {"column", column}};
    out.push_back(std::move(measure));
  }
  return out;
}

Measures performance(const Scene& scene) {
  const auto& all = part(scene.window.summary, "performance");
  const auto& metric = part(all, scene.rule.metric);
  Measure measure{.subject = scene.rule.metric, .best = scene.rule.bound.below ? 1.0 : 0.0};
  measure.label = fmt::format("{} of version {} on {}", scene.rule.metric, scene.window.version, scene.window.arm);
  const auto value = finite(metric, "value");
  measure.value = value.value_or(0);
  const auto labels = integer_or(scene.window.summary, "labels", 0);
  measure.n = integer_or(metric, "n", labels);
  measure.enough = value && labels >= scene.input.spec.min_rows;
  if (const auto low = finite(metric, "low"), high = finite(metric, "high"); low && high)
    measure.interval = {measure.value, *low, *high};
  measure.evidence = {{"labels", labels}, {"performance", all}};
  return {std::move(measure)};
}

Measures refusals(const Scene& scene) {
  std::map<std::string, std::pair<int64_t, Json>> fields;  // count, {rule: count}
  for (const auto& field : scene.open_subjects()) fields[field] = {0, Json::object()};
  for (const auto& line : part(scene.window.summary, "refusals")) {
    auto& [count, rules] = fields[string_or(line, "field", "")];
    if (rules.is_null()) rules = Json::object();
    count += integer_or(line, "count", 0);
    rules[string_or(line, "rule", "")] = integer_or(line, "count", 0);
  }
  Measures out;
  const auto n = scene.requests();
  for (auto& [field, found] : fields) {
    Measure measure{.subject = field, .n = n};
    measure.label = fmt::format("share of requests refused for '{}'", field);
    measure.enough = n >= scene.input.spec.min_rows && n > 0;
    if (n > 0) {
      measure.value = static_cast<double>(found.first) / static_cast<double>(n);
      measure.interval = stats::wilson_of_share(measure.value, static_cast<double>(n), stats::two_sided_z(0.95));
    }
    measure.evidence = {{"refused", found.first}, {"rules", std::move(found.second)}};
    out.push_back(std::move(measure));
  }
  return out;
}

Measures quarantine(const Scene& scene) {
  std::map<std::string, Measure> worst;
  for (const auto& batch : scene.input.batches) {
    if (batch.rows <= 0) continue;
    const auto rows = static_cast<double>(batch.rows);
    Measure measure{.subject = batch.dataset, .value = static_cast<double>(batch.quarantined) / rows, .n = batch.rows};
    measure.label = fmt::format("share of {} in quarantine", batch.node());
    measure.interval = stats::wilson_of_share(measure.value, rows, stats::two_sided_z(0.95));
    measure.interval_warns = batch.rows < scene.input.spec.min_rows;
    measure.evidence = {{"node", batch.node()},
                        {"quarantined", batch.quarantined},
                        {"rows", batch.rows},
                        {"period", {{"from", to_iso(batch.period_from)}, {"to", to_iso(batch.period_to)}}}};
    const auto [at, fresh] = worst.try_emplace(batch.dataset, measure);
    const double lead = measure.interval_warns ? measure.interval->low : measure.value;
    const double held = at->second.interval_warns ? at->second.interval->low : at->second.value;
    if (!fresh && lead > held) at->second = std::move(measure);
  }
  Measures out;
  for (auto& [dataset, measure] : worst) out.push_back(std::move(measure));
  for (const auto& dataset : scene.open_subjects())
    if (!worst.contains(dataset))
      out.push_back({.subject = dataset, .label = "share in quarantine of '" + dataset + "'", .enough = false});
  return out;
}

Measures latency(const Scene& scene) {
  const auto value =
      finite(part(scene.window.summary, "latency_us"), scene.rule.metric.substr(0, scene.rule.metric.rfind("_us")));
  Measure measure{.subject = scene.rule.metric, .value = value.value_or(0)};
  measure.label = fmt::format("{} of version {} on {}", scene.rule.metric, scene.window.version, scene.window.arm);
  measure.n = integer_or(scene.window.summary, "answered", 0);
  measure.enough = value && measure.n >= scene.input.spec.min_rows;
  measure.evidence = {{"latency_us", part(scene.window.summary, "latency_us")}};
  return {std::move(measure)};
}

enum class Watches { everything, inputs, answers };

struct RuleKind {
  std::string_view name;
  Watches watches;
  Measures (*measure)(const Scene&);
};

constexpr std::array<RuleKind, 6> kKinds{{
    {"drift", Watches::everything, drift},
    {"nulls", Watches::inputs, nulls},
    {"performance", Watches::answers, performance},
    {"refusals", Watches::inputs, refusals},
    {"quarantine", Watches::inputs, quarantine},
    {"latency", Watches::answers, latency},
}};

bool looks_at(const RuleKind& kind, const Window& window) {
  if (kind.watches == Watches::everything) return true;
  return (kind.watches == Watches::inputs) == (window.arm == kAllArms);
}

bool beyond(const RuleSpec& rule, double limit, double value) {
  return rule.bound.below ? value < limit : value > limit;
}

bool is_clear(const RuleSpec& rule, const Measure& measure) {
  const double limit = rule.bound.warn ? *rule.bound.warn : *rule.bound.page;
  const double line = limit + kHysteresis * (measure.best - limit);
  return !beyond(rule, line, measure.value);
}

std::string sentence(const RuleSpec& rule, const Measure& measure, std::string_view severity, double limit) {
  auto value = fmt::format("{:.4g}", measure.value);
  if (measure.interval) value += fmt::format(" (95 % {:.4g} to {:.4g})", measure.interval->low, measure.interval->high);
  const auto which = severity.empty() ? std::string("limit") : fmt::format("{} limit", severity);
  const bool out = beyond(rule, limit, measure.value);
  const auto side = rule.bound.below == out ? "under" : "over";
  return fmt::format("{} is {} on {} rows, {} the {} of {:g}", measure.label, value, measure.n,
                     measure.value == limit ? "at" : side, which, limit);
}

Judgement judge_one(const RuleSpec& rule, const Window& window, Measure measure) {
  Judgement out{.key = {rule.kind, measure.subject, window.arm, window.version}, .value = measure.value};
  const double favourable =
      measure.interval ? (rule.bound.below ? measure.interval->high : measure.interval->low) : measure.value;
  const double warns = measure.interval_warns ? favourable : measure.value;
  out.limit = rule.bound.warn ? *rule.bound.warn : *rule.bound.page;
  if (measure.enough) {
    out.verdict = Verdict::breaks;
    if (measure.chance_alone)
      out.verdict = Verdict::holds;
    else if (rule.bound.page && beyond(rule, *rule.bound.page, favourable))
      out.severity = "page", out.limit = *rule.bound.page;
    else if (rule.bound.warn && beyond(rule, *rule.bound.warn, warns))
      out.severity = "warn";
    else
      out.verdict = Verdict::holds;
    out.clear = out.verdict == Verdict::holds && (measure.chance_alone || is_clear(rule, measure));
  }
  out.evidence = std::move(measure.evidence);
  out.evidence["metric"] = rule.metric;
  out.evidence["value"] = measure.value;
  out.evidence["limit"] = out.limit;
  out.evidence["direction"] = rule.bound.below ? "below" : "above";
  out.evidence["n"] = measure.n;
  out.evidence["interval"] = nullptr;
  if (measure.interval) out.evidence["interval"] = {{"low", measure.interval->low}, {"high", measure.interval->high}};
  out.evidence["text"] = sentence(rule, measure, out.severity, out.limit);
  return out;
}

// How bad: the verdict first, then the severity, then how far beyond the limit.
std::tuple<int, int, double> badness(const Judgement& judgement) {
  const double far = judgement.limit == 0 ? std::abs(judgement.value)
                                          : std::abs(judgement.value - judgement.limit) / std::abs(judgement.limit);
  return {static_cast<int>(judgement.verdict), judgement.severity == "page" ? 1 : 0, far};
}

void merge(Judgement& known, Judgement other) {
  const bool clear = known.clear && other.clear;
  Json also = known.evidence.value("also", Json::array());
  if (badness(other) > badness(known)) std::swap(known, other);
  also.push_back(string_or(other.evidence, "text", ""));
  known.evidence["also"] = std::move(also);
  known.clear = clear;
}

}  // namespace

std::vector<Judgement> judge(const RuleInput& input, const std::vector<Window>& windows) {
  std::vector<Judgement> out;
  const auto add = [&](Judgement judgement) {
    const auto known = std::find_if(out.begin(), out.end(), [&](const auto& j) { return j.key == judgement.key; });
    if (known == out.end())
      out.push_back(std::move(judgement));
    else
      merge(*known, std::move(judgement));
  };
  for (const auto& kind : kKinds)
    for (const auto& window : windows) {
      if (!looks_at(kind, window)) continue;
      for (const auto& rule : input.spec.rules) {
        if (rule.kind != kind.name || (!rule.bound.warn && !rule.bound.page)) continue;
        for (auto& measure : kind.measure({input, window, rule})) add(judge_one(rule, window, std::move(measure)));
      }
    }
  return out;
}

bool is_unwatched(const AlertKey& key, const MonitorSpec& spec, const std::vector<Window>& windows) {
  const bool by_metric = key.kind == "performance" || key.kind == "latency";  // the subject is the metric
  if (std::none_of(spec.rules.begin(), spec.rules.end(), [&](const auto& rule) {
        return rule.kind == key.kind && (!by_metric || rule.metric == key.subject);
      }))
    return true;
  const auto requests_of = [&](const Window& window) { return integer_or(window.summary, "requests", 0); };
  for (const auto& window : windows)
    if (window.arm == key.arm && window.version == key.version)
      return (key.kind == "drift" || key.kind == "nulls") && requests_of(window) >= spec.min_rows &&
             std::none_of(part(window.summary, "columns").begin(), part(window.summary, "columns").end(),
                          [&](const Json& column) { return string_or(column, "column", "") == key.subject; });
  return std::any_of(windows.begin(), windows.end(), [&](const Window& window) {
    return window.arm == kAllArms && requests_of(window) >= spec.min_rows;
  });
}

std::vector<std::string_view> rule_kinds() {
  std::vector<std::string_view> out;
  for (const auto& kind : kKinds) out.push_back(kind.name);
  return out;
}

}  // namespace millrace::monitor
