// When a canary goes on, is promoted or taken back by itself: deployments.NAME.rollout of the project file.
//   rollout: {alpha, steps, min_rows, count: requests | units, promote: automatic | manual, guardrails: {errors,
//             refusals, latency, prediction_shift, loss, value}}
// Every key may be left out. A release keeps the policy that it was made under.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "core/yaml.h"
#include "registry/release/outcomes.h"

namespace millrace::registry {

enum class GuardrailKind { errors, refusals, latency, prediction_shift, loss, value };
std::string_view name_of(GuardrailKind kind);

// What the canary may not do worse than the stable arm.
struct Guardrail {
  GuardrailKind kind = GuardrailKind::errors;
  double tolerance = 0;  // all but latency: by how much more, in [0, 1); value: in spans of its outcomes
  double quantile = 0;   // latency: which one, in (0, 1)
  double ratio = 0;      // latency: how many times the stable arm's it may be, from 1
  Outcomes worth = {};   // value: what decisions are worth
  std::string currency = {};
};

struct RolloutPolicy {
  double alpha = 0.01;                        // chance of a false rollback over the whole rollout
  std::vector<double> steps{0.05, 0.2, 0.5};  // shares of the canary, growing
  int64_t min_rows = 500;                     // requests that the canary has answered before it goes on from a step
  bool automatic = true;                      // the last step ends in a promotion, else in waiting for a person
  std::vector<Guardrail> guardrails;          // in the order of their kinds; at least one
  bool units = false;                         // of a unit only its first request in the look-back counts
  bool aa = false;                            // both arms are one version: what is found is a false alarm, and counted
};

// `node` is the value of the key `rollout`, `value` that of value.NAME of the same deployment, null without one.
// `invalid` with the place for unknown keys, values out of range, and a guardrail on value without what it is.
Result<RolloutPolicy> read_rollout(const Yaml& node, const Yaml* value = nullptr);

Json to_json(const Guardrail& guardrail);
Json to_json(const RolloutPolicy& policy);
Result<RolloutPolicy> rollout_of_json(const Json& json);  // `corrupt` unless to_json() wrote it

}  // namespace millrace::registry
