// What became of a window's requests: how long they took, what refused them, and how a shadow's answers differ.
#pragma once
#include <string>

#include "core/json.h"
#include "monitor/window/log_view.h"

namespace millrace::monitor {

inline constexpr int kRefusals = 100;  // kinds of refusals in a summary, the most frequent first

// {p50, p95, p99, mean, n} of requests in microseconds; the smallest duration that at least that share of requests does
// not exceed. Null when none has a duration.
Result<Json> measure_latency(const LogView& log, const std::string& condition);
Result<Json> measure_refusals(engine::Engine& engine, const std::string& condition);  // [{field, rule, count}]

// A shadow's scores against those of the arm that answered the same row: {n, mean_abs, max_abs, flips, flip_rate,
// correlation}; a flip is another choice, each by its own threshold. Null when no row has both scores.
Result<Json> measure_difference(engine::Engine& engine, const Group& shadow);

}  // namespace millrace::monitor
