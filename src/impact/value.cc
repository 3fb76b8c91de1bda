#include "impact/value.h"

#include <cmath>

#include <fmt/format.h>

#include "registry/registry.h"

namespace millrace::impact {
namespace {

constexpr std::string_view kExample =
    "write e.g. {currency: USD, true_positive: 60, false_positive: -15, false_negative: -40, true_negative: 0}";

Result<double> finite(const Yaml& node) {
  MILLRACE_TRY(const double value, node.number());
  if (!std::isfinite(value)) return node.error(fmt::format("'{}' is not a finite number", node.text()));
  return value;
}

Result<double> price(const Yaml& map, std::string_view key) {
  const auto* node = map.find(key);
  if (node == nullptr) return 0.0;
  MILLRACE_TRY(const double value, finite(*node));
  if (value < 0) return node->error(fmt::format("a price is not negative, and this is {:g}", value));
  return value;
}

Result<Prices> read_prices(const Yaml& map) {
  const auto* cost = map.find("cost");
  if (cost == nullptr) return Prices{};
  if (!cost->is_map()) return cost->error("'cost' holds prices").hint("write e.g. {cpu_hour: 0.05, label: 0.2}");
  MILLRACE_DO(cost->only_keys({"cpu_hour", "label"}));
  Prices out;
  MILLRACE_TRY(out.cpu_hour, price(*cost, "cpu_hour"));
  MILLRACE_TRY(out.label, price(*cost, "label"));
  return out;
}

Result<ValueSpec> read_value(const std::string& name, const Yaml& map) {
  if (!map.is_map()) return map.error("the value of a deployment is a map").hint(std::string(kExample));
  MILLRACE_DO(
      map.only_keys({"currency", "true_positive", "false_positive", "false_negative", "true_negative", "cost"}));
  ValueSpec out{.deployment = name, .where = map.where()};
  MILLRACE_TRY(out.currency, registry::read_currency(map));
  MILLRACE_TRY(out.outcomes, registry::read_outcomes(map));
  MILLRACE_TRY(out.prices, read_prices(map));
  return out;
}

}  // namespace

Result<std::vector<ValueSpec>> read_values(const Project& project) {
  const auto* section = project.section("value");
  if (section == nullptr) return std::vector<ValueSpec>{};
  if (!section->is_map())
    return section->error("'value' holds deployments").hint("value: {NAME: {currency: USD, ...}}");
  MILLRACE_TRY(const auto deployments, registry::read_deployments(project));
  std::vector<std::string> known;
  for (const auto& deployment : deployments) known.push_back(deployment.name);
  std::vector<ValueSpec> out;
  for (const auto& [name, map] : section->entries()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      auto error = map.error(fmt::format("there is no deployment '{}'", name));
      if (const auto near = did_you_mean(name, known))
        return std::move(error).hint(fmt::format("did you mean '{}'?", *near));
      return std::move(error).hint(known.empty() ? "the project has no deployments"
                                                 : fmt::format("there are: {}", fmt::join(known, ", ")));
    }
    MILLRACE_TRY(auto spec, read_value(name, map));
    out.push_back(std::move(spec));
  }
  return out;
}

}  // namespace millrace::impact
