#include "monitor/spec.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace millrace::monitor {
namespace {

constexpr size_t kMostMonitors = 1'000;
constexpr int64_t kMostLooks = 100, kMostDays = 3'650, kMostRows = 1'000'000'000;
constexpr double kNoEnd = std::numeric_limits<double>::infinity();

// Every metric that can be watched: what its values can be, and on which side of a limit they are bad.
struct Metric {
  std::string_view kind, name;
  double low, high;
  bool below;
};
constexpr Metric kMetrics[] = {{"drift", "psi", 0, kNoEnd, false},
                               {"drift", "js", 0, 1, false},
                               {"nulls", "rise", 0, 1, false},
                               {"performance", "auc", 0, 1, true},
                               {"performance", "recall", 0, 1, true},
                               {"performance", "precision", 0, 1, true},
                               {"performance", "log_loss", 0, kNoEnd, false},
                               {"performance", "brier", 0, 1, false},
                               {"performance", "calibration_error", 0, 1, false},
                               {"refusals", "rate", 0, 1, false},
                               {"quarantine", "rate", 0, 1, false},
                               {"latency", "p50_us", 0, kNoEnd, false},
                               {"latency", "p95_us", 0, kNoEnd, false},
                               {"latency", "p99_us", 0, kNoEnd, false},
                               {"latency", "mean_us", 0, kNoEnd, false}};

using Names = std::vector<std::string>;

Error unknown(std::string_view kind, const std::string& name, const Yaml& at, const Names& known) {
  Error error = at.error(fmt::format("there is no {} '{}'", kind, name));
  if (const auto near = did_you_mean(name, known))
    error.hint(fmt::format("did you mean '{}'?", *near));
  else if (!known.empty())
    error.hint(fmt::format("there are: {}", fmt::join(known, ", ")));
  return error;
}

Result<void> must_be_one(std::string_view kind, const std::string& name, const Yaml& at, const Names& known) {
  if (std::find(known.begin(), known.end(), name) == known.end()) return unknown(kind, name, at, known);
  return {};
}

Names keys_of(const Yaml* map) {
  Names out;
  if (map != nullptr)
    for (const auto& [key, value] : map->entries()) out.push_back(key);
  return out;
}

const Yaml* stages_of(const Project& project) {
  const auto* pipeline = project.section("pipeline");
  return pipeline == nullptr ? nullptr : pipeline->find("stages");
}

Names outs_of(const Project& project, const std::string& stage) {
  const auto* node = stages_of(project)->find(stage);
  const auto* outs = node == nullptr ? nullptr : node->find("outs");
  Names out;
  if (outs != nullptr)
    for (const auto& item : outs->items()) out.push_back(item.text());
  return out;
}

Result<int64_t> read_count(const Yaml& node, std::string_view key, int64_t otherwise, int64_t most) {
  const auto* found = node.find(key);
  if (found == nullptr) return otherwise;
  MILLRACE_TRY(const auto number, found->integer());
  if (number < 1 || number > most)
    return found->error(fmt::format("{} is {}, and must be from 1 to {}", key, number, most));
  return number;
}

Result<void> read_periods(const Yaml& node, MonitorSpec& spec) {
  const std::pair<std::string_view, Period> known[] = {
      {"day", Period::day}, {"week", Period::week}, {"month", Period::month}};
  if (const auto* window = node.find("window")) {
    MILLRACE_TRY(const auto name, window->string());
    MILLRACE_DO(must_be_one("window", name, *window, {"day", "week", "month"}));
    for (const auto& [text, period] : known)
      if (text == name) spec.window = period;
  }
  const auto* every = node.find("every");
  if (every == nullptr) return {};
  MILLRACE_TRY(const auto name, every->string());
  MILLRACE_DO(must_be_one("period", name, *every, {"day", "week", "window"}));
  for (const auto& [text, period] : known)
    if (text == name) spec.every = period;
  if (spec.every && *spec.every > spec.window)
    return every->error(fmt::format("a window of a {} cannot be looked at every {}", name_of(spec.window), name))
        .hint("write every: window, or a longer window");
  if (spec.every == spec.window) spec.every.reset();
  return {};
}

Result<void> read_reference(const Project& project, const Yaml& node, MonitorSpec& spec) {
  const auto* reference = node.find("reference");
  if (reference == nullptr) return {};
  MILLRACE_DO(reference->only_keys({"stage", "file"}));
  MILLRACE_TRY(spec.reference_stage, reference->get_string("stage"));
  MILLRACE_DO(must_be_one("stage", spec.reference_stage, *reference->find("stage"), keys_of(stages_of(project))));
  MILLRACE_TRY(spec.reference_file, reference->get_string("file"));
  return must_be_one(fmt::format("out of the stage '{}' named", spec.reference_stage), spec.reference_file,
                     *reference->find("file"), outs_of(project, spec.reference_stage));
}

Result<std::optional<double>> read_limit(const Yaml& bound, const std::string& key, const Metric& metric) {
  const auto* found = bound.find(key);
  if (found == nullptr) return std::optional<double>();
  MILLRACE_TRY(const auto value, found->number());
  if (value < metric.low || value > metric.high)
    return found->error(
        std::isinf(metric.high)
            ? fmt::format("{} is {}, and {} is never less than {}", key, value, metric.name, metric.low)
            : fmt::format("{} is {}, and {} is from {} to {}", key, value, metric.name, metric.low, metric.high));
  return std::optional(value);
}

// Where both directions could be meant, the key says which: performance has page_below and page_above.
Result<Bound> read_bound(const Yaml& node, const Metric& metric) {
  const std::string side = metric.kind != "performance" ? "" : metric.below ? "_below" : "_above";
  if (!node.is_map())
    return node.error(fmt::format("{} has limits", metric.name))
        .hint(fmt::format("write e.g. {}: {{warn{}: ..., page{}: ...}}", metric.name, side, side));
  const Names known{"warn" + side, "page" + side};
  for (const auto& [key, value] : node.entries()) MILLRACE_DO(must_be_one("limit", key, value, known));
  Bound out{.below = metric.below};
  MILLRACE_TRY(out.warn, read_limit(node, known[0], metric));
  MILLRACE_TRY(out.page, read_limit(node, known[1], metric));
  if (!out.warn && !out.page)
    return node.error(fmt::format("{} has no limit", metric.name))
        .hint(fmt::format("give {}", fmt::join(known, " or ")));
  if (out.warn && out.page && (metric.below ? *out.warn < *out.page : *out.warn > *out.page))
    return node
        .error(
            fmt::format("{} {} lies beyond {} {}: nothing would only warn", known[0], *out.warn, known[1], *out.page))
        .hint("exchange the two");
  return out;
}

Result<void> read_rules(const Yaml& node, MonitorSpec& spec) {
  for (const auto& [kind, metrics] : node.entries()) {
    Names known;
    for (const auto& metric : kMetrics)
      if (metric.kind == kind) known.emplace_back(metric.name);
    if (known.empty()) continue;
    if (!metrics.is_map())
      return metrics.error(fmt::format("{} is a map of metrics and their limits", kind))
          .hint(fmt::format("there are: {}", fmt::join(known, ", ")));
    for (const auto& [name, bound] : metrics.entries()) {
      MILLRACE_DO(must_be_one(fmt::format("metric of {} named", kind), name, bound, known));
      const auto* metric =
          std::find_if(std::begin(kMetrics), std::end(kMetrics),
                       [&kind = kind, &name = name](const Metric& m) { return m.kind == kind && m.name == name; });
      RuleSpec rule{.kind = kind, .metric = name, .where = bound.where()};
      MILLRACE_TRY(rule.bound, read_bound(bound, *metric));
      spec.rules.push_back(std::move(rule));
    }
  }
  for (const auto& rule : spec.rules)
    if (spec.reference_stage.empty() && (rule.kind == "drift" || rule.kind == "nulls"))
      return Error{Code::invalid, fmt::format("{} is measured against a reference, and there is none", rule.kind)}
          .at(rule.where)
          .hint("add e.g. reference: {stage: training, file: training.parquet}");
  return {};
}

Result<void> read_answer(const Yaml& on, std::string_view severity, std::string& out) {
  const auto* found = on.find(severity);
  if (found == nullptr) return {};
  MILLRACE_TRY(out, found->string());
  return must_be_one("answer to an alert named", out, *found, {"review", "none"});
}

Result<void> read_on(const Project& project, const Yaml& node, MonitorSpec& spec) {
  const auto* on = node.find("on");
  if (on == nullptr) return {};
  MILLRACE_DO(on->only_keys({"page", "warn", "natural_drift"}));
  spec.on.where = on->where();
  MILLRACE_DO(read_answer(*on, "page", spec.on.page));
  MILLRACE_DO(read_answer(*on, "warn", spec.on.warn));
  const auto* drift = on->find("natural_drift");
  if (drift == nullptr) return {};
  MILLRACE_DO(drift->only_keys({"retrain", "cooldown_days"}));
  MILLRACE_TRY(spec.on.retrain_target, drift->get_string("retrain"));
  MILLRACE_DO(must_be_one("stage", spec.on.retrain_target, *drift->find("retrain"), keys_of(stages_of(project))));
  MILLRACE_TRY(spec.on.cooldown_days, read_count(*drift, "cooldown_days", spec.on.cooldown_days, kMostDays));
  return {};
}

Result<MonitorSpec> read_monitor(const Project& project, const std::string& name, const Yaml& node) {
  MILLRACE_DO(must_be_one("deployment", name, node, keys_of(project.section("deployments"))));
  MILLRACE_DO(node.only_keys({"window", "every", "min_rows", "missing", "reference", "drift", "nulls", "performance",
                              "refusals", "quarantine", "latency", "for", "on"}));
  MonitorSpec spec{.deployment = name, .where = node.where()};
  spec.on.where = node.where();
  MILLRACE_DO(read_periods(node, spec));
  MILLRACE_TRY(spec.min_rows, read_count(node, "min_rows", spec.min_rows, kMostRows));
  MILLRACE_TRY(spec.for_looks, read_count(node, "for", spec.for_looks, kMostLooks));
  if (const auto* missing = node.find("missing")) {
    MILLRACE_TRY(spec.missing, missing->number());
  }
  MILLRACE_DO(read_reference(project, node, spec));
  MILLRACE_DO(read_rules(node, spec));
  MILLRACE_DO(read_on(project, node, spec));
  return spec;
}

}  // namespace

std::string_view name_of(Period period) {
  switch (period) {
    case Period::day: return "day";
    case Period::week: return "week";
    case Period::month: return "month";
  }
  return "";
}

Result<std::vector<MonitorSpec>> read_monitors(const Project& project) {
  std::vector<MonitorSpec> out;
  const auto* node = project.section("monitors");
  if (node == nullptr || node->is_null()) return out;
  if (!node->is_map())
    return node->error("monitors is a map of deployments").hint("write e.g. monitors: {late: {window: month}}");
  if (node->entries().size() > kMostMonitors)
    return node->error(fmt::format("monitors has more than {} entries", kMostMonitors));
  for (const auto& [name, entry] : node->entries()) {
    MILLRACE_TRY(auto spec, read_monitor(project, name, entry));
    out.push_back(std::move(spec));
  }
  return out;
}

}  // namespace millrace::monitor
