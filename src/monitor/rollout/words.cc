#include "monitor/rollout/words.h"

#include <fmt/format.h>

namespace millrace::monitor {
namespace {

const Json& none() {
  static const Json empty;
  return empty;
}

const Json& at(const Json& json, std::string_view key) {
  const auto* found = find(json, key);
  return found == nullptr ? none() : *found;
}

std::string number(double value) { return fmt::format("{:.3g}", value); }

// "0.05 (0.031 to 0.08)"
std::string interval(const Json& json, double unit) {
  if (!json.is_object()) return "unknown";
  const auto& high = at(json, "high");
  return fmt::format("{} ({} to {})", number(number_or(json, "value", 0) / unit),
                     number(number_or(json, "low", 0) / unit),
                     high.is_number() ? number(high.get<double>() / unit) : "unknown");
}

std::string less_worth(const Json& guard) {
  return fmt::format("1,000 decisions of the canary are worth {} {} and of the stable arm {}, and {} less is tolerated",
                     string_or(guard, "currency", ""), interval(at(guard, "canary"), 1),
                     interval(at(guard, "stable"), 1), number(number_or(guard, "per_1000", 0)));
}

std::string broken(const Json& guard) {
  const auto name = string_or(guard, "guardrail", "");
  if (name == "value") return less_worth(guard);
  if (name == "latency")
    return fmt::format(
        "the {} quantile of the canary's latency in ms is {}, that of the stable arm {}, and {} times "
        "that is tolerated",
        number(number_or(guard, "quantile", 0)), interval(at(guard, "canary"), 1'000),
        interval(at(guard, "stable"), 1'000), number(number_or(guard, "ratio", 0)));
  const auto what = name == "errors"     ? std::string("the share of failed requests")
                    : name == "refusals" ? std::string("the share of refused requests")
                    : name == "loss"
                        ? std::string("the loss by labels")
                        : fmt::format("the share of scores above {}", number(number_or(guard, "threshold", 0)));
  return fmt::format("{} is {} on the canary and {} on the stable arm, and a difference of {} is tolerated", what,
                     interval(at(guard, "canary"), 1), interval(at(guard, "stable"), 1),
                     number(number_or(guard, "tolerance", 0)));
}

int64_t canary_requests(const Json& report) { return integer_or(at(report, "requests"), "canary", 0); }

}  // namespace

std::string why_back(const Json& report) {
  const auto blamed = string_or(report, "blamed", "");
  std::string found;
  for (const auto& guard : at(report, "guardrails"))
    if (string_or(guard, "guardrail", "") == blamed) found = broken(guard);
  return fmt::format("{}: {}; e-value {} of {} after {} requests of the canary", blamed, found,
                     number(number_or(report, "e_value", 0)), number(number_or(report, "limit", 0)),
                     canary_requests(report));
}

std::string why_on(const Json& report, double share) {
  return fmt::format("no harm in {} requests of the canary (e-value {} of {}): on to a share of {}",
                     canary_requests(report), number(number_or(report, "e_value", 0)),
                     number(number_or(report, "limit", 0)), number(share));
}

std::string why_promoted(const Json& report) {
  return fmt::format("every guardrail is shown to be kept after {} requests of the canary (e-value of harm {} of {})",
                     canary_requests(report), number(number_or(report, "e_value", 0)),
                     number(number_or(report, "limit", 0)));
}

std::string what_comes(const registry::RolloutPolicy& policy, const serve::RolloutState& state,
                       std::optional<double> next) {
  const int64_t missing = policy.min_rows - state.step_answers;
  const auto until = missing > 0 ? fmt::format("after {} more requests of the canary", missing) : std::string("now");
  if (state.harm) return "the canary goes back";
  if (next) return fmt::format("a share of {} {}", number(*next), state.doubt ? "once the doubt is gone" : until);
  const std::string end = policy.automatic ? "its promotion" : "its promotion by a person";
  return end + (missing > 0 || state.safe ? " " + until : std::string(" once every guardrail is shown to be kept"));
}

}  // namespace millrace::monitor
