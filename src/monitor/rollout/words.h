// What a policy decided and why, in one sentence for people: from a judge's report (serve/judge/judge.h). Pure.
#pragma once
#include <optional>
#include <string>

#include "core/json.h"
#include "serve/judge/judge.h"

namespace millrace::monitor {

std::string why_back(const Json& report);
std::string why_on(const Json& report, double share);
std::string why_promoted(const Json& report);
// `next`: the next step's share, nothing at the last one.
std::string what_comes(const registry::RolloutPolicy& policy, const serve::RolloutState& state,
                       std::optional<double> next);

}  // namespace millrace::monitor
