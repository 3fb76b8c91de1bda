// Counterfactual replay: the requests that a deployment has had, from its prediction log, through a version that has
// never been on traffic. Nothing is answered, and the log stays as it is; what the version would have said is compared
// with what was said, as of a shadow (difference.h).
#pragma once
#include <functional>
#include <string>

#include "core/clock.h"
#include "engine/engine.h"
#include "monitor/rollout/difference.h"
#include "serve/arms/served.h"

namespace millrace::monitor {

inline constexpr std::string_view kReplayKind = "release.replay";  // of the job

struct ReplayRequest {
  DifferenceRequest difference;  // version: the candidate's
  serve::LoadedPtr candidate;
  Micros from = 0, to = 0;  // event times, from inclusive, to exclusive; 0 = no bound
  std::function<bool()> cancelled;
};

// The report of measure_shadow(), and of the rows that the log has in the period: replayed, refused (by the candidate's
// contract), failed (in the candidate), incomplete (a value that the candidate takes was not logged). `invalid` when
// the log lacks an input that the candidate takes, `unsupported` when its inputs are not one row a row.
Result<Json> replay_traffic(engine::Engines& engines, const ReplayRequest& request);

}  // namespace millrace::monitor
