#include "registry/release/rollout_policy.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace millrace::registry {
namespace {

constexpr size_t kMostSteps = 20;
constexpr int64_t kMostRows = 100'000'000;

struct Known {
  GuardrailKind kind;
  std::string_view name;
  double tolerance;  // unless it is given
};
constexpr Known kKnown[] = {
    {GuardrailKind::errors, "errors", 0.01}, {GuardrailKind::refusals, "refusals", 0.02},
    {GuardrailKind::latency, "latency", 0},  {GuardrailKind::prediction_shift, "prediction_shift", 0.1},
    {GuardrailKind::loss, "loss", 0.02},     {GuardrailKind::value, "value", 0.02}};
constexpr double kThousand = 1'000;
constexpr double kQuantile = 0.99, kRatio = 1.5, kMostRatio = 1'000;
constexpr GuardrailKind kStandard[] = {GuardrailKind::errors, GuardrailKind::refusals, GuardrailKind::latency};

const Known* find_known(std::string_view name) {
  const auto* const at =
      std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& known) { return known.name == name; });
  return at == std::end(kKnown) ? nullptr : at;
}
const Known& known_of(GuardrailKind kind) { return kKnown[static_cast<size_t>(kind)]; }

Guardrail standard(GuardrailKind kind) {
  if (kind == GuardrailKind::latency) return {.kind = kind, .quantile = kQuantile, .ratio = kRatio};
  return {.kind = kind, .tolerance = known_of(kind).tolerance};
}

// A number that `good` accepts; nothing written leaves `out`.
Result<void> read_number(const Yaml& map, std::string_view key, double& out, bool (*good)(double),
                         std::string_view range) {
  const auto* node = map.find(key);
  if (node == nullptr) return {};
  MILLRACE_TRY(const auto number, node->number());
  if (!good(number)) return node->error(fmt::format("{} is {}, and must be {}", key, node->text(), range));
  out = number;
  return {};
}

bool is_alpha(double x) { return x >= 1e-9 && x <= 0.5; }
bool is_tolerance(double x) { return x >= 0 && x < 1; }
bool is_quantile(double x) { return x > 0 && x < 1; }
bool is_ratio(double x) { return x >= 1 && x <= kMostRatio; }
bool is_share(double x) { return x > 0 && x < 1; }

// In the file the tolerance is an amount of money: what 1,000 decisions of the canary may be worth less.
Result<Guardrail> read_value_guardrail(const Yaml& node, const Yaml* value) {
  auto out = standard(GuardrailKind::value);
  if (value == nullptr || !value->is_map())
    return node.error("the guardrail 'value' needs what decisions are worth")
        .hint(
            "add the section: value: {DEPLOYMENT: {currency: USD, true_positive: 60, false_positive: -15, "
            "false_negative: -40, true_negative: 0}}");
  MILLRACE_TRY(out.currency, read_currency(*value));
  MILLRACE_TRY(out.worth, read_outcomes(*value));
  const double span = out.worth.span();
  if (!(span > 0 && std::isfinite(span)))
    return value->error("all four outcomes are worth the same, so no canary could be worth less")
        .hint("say what each is worth, or leave the guardrail 'value' out");
  if (node.is_null()) return out;
  MILLRACE_DO(node.only_keys({"per_1000"}));
  const auto* given = node.find("per_1000");
  if (given == nullptr) return out;
  MILLRACE_TRY(const auto amount, given->number());
  if (!(amount >= 0 && amount < span * kThousand))
    return given->error(
        fmt::format("per_1000 is {}, and must be from 0 to below {:g} {}, what 1,000 decisions differ "
                    "in at the most",
                    given->text(), span * kThousand, out.currency));
  out.tolerance = amount / (span * kThousand);
  return out;
}

Result<Guardrail> read_guardrail(const std::string& name, const Yaml& node, const Yaml* value) {
  const auto* known = find_known(name);
  if (known == nullptr) {
    std::vector<std::string> names;
    for (const auto& each : kKnown) names.emplace_back(each.name);
    const auto near = did_you_mean(name, names);
    return node.error(fmt::format("there is no guardrail '{}'", name))
        .hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("there are: {}", fmt::join(names, ", ")));
  }
  if (known->kind == GuardrailKind::value) return read_value_guardrail(node, value);
  auto out = standard(known->kind);
  if (node.is_null()) return out;
  if (known->kind == GuardrailKind::latency) {
    MILLRACE_DO(node.only_keys({"quantile", "ratio"}));
    MILLRACE_DO(read_number(node, "quantile", out.quantile, is_quantile, "above 0 and below 1"));
    MILLRACE_DO(read_number(node, "ratio", out.ratio, is_ratio, "from 1 to 1000"));
    return out;
  }
  MILLRACE_DO(node.only_keys({"tolerance"}));
  MILLRACE_DO(read_number(node, "tolerance", out.tolerance, is_tolerance, "from 0 to below 1"));
  return out;
}

Result<void> read_guardrails(const Yaml& node, const Yaml* value, RolloutPolicy& policy) {
  const auto* map = node.find("guardrails");
  if (map == nullptr) {
    for (const auto kind : kStandard) policy.guardrails.push_back(standard(kind));
    return {};
  }
  if (!map->is_map() || map->entries().empty())
    return map->error("guardrails is a map of what the canary may not do worse")
        .hint("write e.g. guardrails: {errors: {tolerance: 0.01}, latency: {quantile: 0.99, ratio: 1.5}}");
  for (const auto& [name, entry] : map->entries()) {
    MILLRACE_TRY(const auto guardrail, read_guardrail(name, entry, value));
    policy.guardrails.push_back(guardrail);
  }
  std::sort(policy.guardrails.begin(), policy.guardrails.end(),
            [](const Guardrail& a, const Guardrail& b) { return a.kind < b.kind; });
  return {};
}

Result<void> read_steps(const Yaml& node, RolloutPolicy& policy) {
  const auto* list = node.find("steps");
  if (list == nullptr) return {};
  if (!list->is_list() || list->items().empty())
    return list->error("steps is a list of shares").hint("write e.g. steps: [0.05, 0.2, 0.5]");
  if (list->items().size() > kMostSteps) return list->error(fmt::format("a rollout has at most {} steps", kMostSteps));
  policy.steps.clear();
  for (const auto& item : list->items()) {
    MILLRACE_TRY(const auto share, item.number());
    if (!is_share(share))
      return item.error(fmt::format("the step {} must be above 0 and below 1", item.text()))
          .hint("all of the traffic is the promotion");
    if (!policy.steps.empty() && share <= policy.steps.back())
      return item.error(fmt::format("the step {} does not come after {}", item.text(), policy.steps.back()))
          .hint("write growing shares");
    policy.steps.push_back(share);
  }
  return {};
}

Json to_json(const Outcomes& worth) {
  return {{"true_positive", worth.true_positive},
          {"false_positive", worth.false_positive},
          {"false_negative", worth.false_negative},
          {"true_negative", worth.true_negative}};
}

bool read_worth(const Json& json, Guardrail& out) {
  const auto* worth = find(json, "outcomes");
  out.currency = string_or(json, "currency", "");
  if (worth == nullptr || out.currency.empty()) return false;
  out.worth = {.true_positive = number_or(*worth, "true_positive", 0),
               .false_positive = number_or(*worth, "false_positive", 0),
               .false_negative = number_or(*worth, "false_negative", 0),
               .true_negative = number_or(*worth, "true_negative", 0)};
  return out.worth.span() > 0;
}

std::optional<Guardrail> guardrail_of(const Json& json) {
  const auto* known = find_known(string_or(json, "guardrail", ""));
  if (known == nullptr) return std::nullopt;
  Guardrail out{.kind = known->kind,
                .tolerance = number_or(json, "tolerance", 0),
                .quantile = number_or(json, "quantile", 0),
                .ratio = number_or(json, "ratio", 0)};
  const bool good = out.kind == GuardrailKind::latency ? is_quantile(out.quantile) && is_ratio(out.ratio)
                                                       : is_tolerance(out.tolerance);
  if (out.kind == GuardrailKind::value && !read_worth(json, out)) return std::nullopt;
  return good ? std::optional(out) : std::nullopt;
}

}  // namespace

std::string_view name_of(GuardrailKind kind) { return known_of(kind).name; }

Result<RolloutPolicy> read_rollout(const Yaml& node, const Yaml* value) {
  RolloutPolicy out;
  if (!node.is_map() && !node.is_null())
    return node.error("rollout is a map").hint("write e.g. rollout: {alpha: 0.01, steps: [0.05, 0.2, 0.5]}");
  if (node.is_map()) MILLRACE_DO(node.only_keys({"alpha", "steps", "min_rows", "count", "promote", "guardrails"}));
  MILLRACE_DO(read_number(node, "alpha", out.alpha, is_alpha, "from 1e-9 to 0.5"));
  MILLRACE_DO(read_steps(node, out));
  if (const auto* rows = node.find("min_rows")) {
    MILLRACE_TRY(out.min_rows, rows->integer());
    if (out.min_rows < 1 || out.min_rows > kMostRows)
      return rows->error(fmt::format("min_rows is {}, and must be from 1 to {}", out.min_rows, kMostRows));
  }
  if (const auto* promote = node.find("promote")) {
    MILLRACE_TRY(const auto how, promote->string());
    if (how != "automatic" && how != "manual")
      return promote->error(fmt::format("promote is '{}'", how)).hint("write automatic or manual");
    out.automatic = how == "automatic";
  }
  if (const auto* count = node.find("count")) {
    MILLRACE_TRY(const auto what, count->string());
    if (what != "requests" && what != "units")
      return count->error(fmt::format("count is '{}'", what)).hint("write requests or units");
    out.units = what == "units";
  }
  MILLRACE_DO(read_guardrails(node, value, out));
  return out;
}

Json to_json(const Guardrail& guardrail) {
  Json out{{"guardrail", std::string(name_of(guardrail.kind))}};
  if (guardrail.kind == GuardrailKind::latency) {
    out["quantile"] = guardrail.quantile;
    out["ratio"] = guardrail.ratio;
  } else {
    out["tolerance"] = guardrail.tolerance;
  }
  if (guardrail.kind == GuardrailKind::value) {
    out["outcomes"] = to_json(guardrail.worth);
    out["currency"] = guardrail.currency;
    out["per_1000"] = guardrail.tolerance * guardrail.worth.span() * kThousand;
  }
  return out;
}

Json to_json(const RolloutPolicy& policy) {
  Json guardrails = Json::array();
  for (const auto& each : policy.guardrails) guardrails.push_back(to_json(each));
  Json out{{"alpha", policy.alpha},
           {"steps", policy.steps},
           {"min_rows", policy.min_rows},
           {"promote", policy.automatic ? "automatic" : "manual"},
           {"guardrails", std::move(guardrails)}};
  // Said only where it is so: evidence that was saved before there was the choice is still of the same policy.
  if (policy.units) out["count"] = "units";
  if (policy.aa) out["aa"] = true;
  return out;
}

Result<RolloutPolicy> rollout_of_json(const Json& json) {
  const Error damaged = Error{Code::corrupt, "a rollout's policy is not as it was written"}.at_field("rollout");
  RolloutPolicy out{.alpha = number_or(json, "alpha", 0),
                    .steps = {},
                    .min_rows = integer_or(json, "min_rows", 0),
                    .automatic = string_or(json, "promote", "") == "automatic",
                    .guardrails = {},
                    .units = string_or(json, "count", "") == "units",
                    .aa = find(json, "aa") != nullptr};
  const auto *steps = find(json, "steps"), *guardrails = find(json, "guardrails");
  if (steps == nullptr || !steps->is_array() || steps->empty() || guardrails == nullptr || !guardrails->is_array() ||
      guardrails->empty() || !is_alpha(out.alpha) || out.min_rows < 1)
    return damaged;
  for (const auto& step : *steps) {
    if (!step.is_number() || !is_share(step.get<double>())) return damaged;
    out.steps.push_back(step.get<double>());
  }
  for (const auto& each : *guardrails) {
    const auto guardrail = guardrail_of(each);
    if (!guardrail) return damaged;
    out.guardrails.push_back(*guardrail);
  }
  return out;
}

}  // namespace millrace::registry
