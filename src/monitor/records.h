// What monitoring keeps: windows, alerts and reviews, as values. Plain data, no behaviour beyond reading and writing
// it.
//
// A window is one period of one deployment, seen for one arm. Its summary is a JSON document:
//   {requests, answered, refused, failed: rows,           what became of the period's requests
//    labels: rows with a label,
//    latency_us: {p50, p95, p99, mean} | null,
//    refusals: [{field, rule, count}],                    most frequent first
//    performance: {auc, precision, recall, log_loss, brier, calibration_error, base_rate, mean_score:
//                    {value, low, high, n} | null,        95 percent intervals; null where undefined
//                  threshold, confusion: {tp, fp, fn, tn}} | null without labels,
//    columns: [{column, role: "input" | "score", type: "number" | "text", psi, js, effect,
//               effect_kind: "cohens_d" | "cramers_v", n, reference_n, null_rate, reference_null_rate,
//               edges: [...] | categories: [...], counts: [...], reference_counts: [...],
//               mean, reference_mean (of numbers)}],       the last count is of nulls, a text's before it of all others
//    difference: {n, mean_abs, max_abs, flips, flip_rate, correlation} | null,   a shadow's, against who answered
//    reference: {node, model, version, problem: text | null, without: [inputs that it does not know]}}
// Counts are rows of requests. Histograms stand on the reference's frozen edges, so they add up.
#pragma once
#include <string>

#include "core/clock.h"
#include "core/json.h"

namespace millrace::monitor {

// Arms of the traffic, and `all`: every request that was not a shadow's copy, whoever answered it.
inline constexpr std::string_view kAllArms = "all";

struct Window {
  std::string deployment;
  Micros from = 0, to = 0;  // event time, [from, to)
  std::string arm;          // stable, canary, shadow, all
  std::string model;
  int64_t version = 0;   // of the model; 0 for `all`
  int64_t revision = 0;  // from 1; a later one has seen more requests or labels
  Micros as_of = 0;      // event time up to which it was filled: `to` once it is complete
  Json summary = Json::object();
  Micros recorded_at = 0;

  std::string node() const;  // prediction_window:DEPLOYMENT/all@FROM (a date), .../ARM.MODEL.VERSION@FROM
  Json to_json() const;      // {node, deployment, from, to, arm, model, version, revision, as_of, summary, recorded_at}
};

struct Alert {
  std::string id;  // alert-<uuid>
  std::string deployment;
  std::string kind;         // drift, performance, refusals, nulls, quarantine, latency
  std::string subject;      // column, metric, field or dataset
  std::string arm;          // whose window broke the rule; "all" for inputs
  int64_t version = 0;      // of the model, 0 for inputs and datasets
  std::string severity;     // warn, page
  std::string state;        // pending, firing, acknowledged, resolved
  Micros from = 0, to = 0;  // the newest period in which the rule was broken
  Micros first_from = 0;    // the first one of this alert
  Micros pending_at = 0, fired_at = 0, acknowledged_at = 0, resolved_at = 0;  // event time; 0 = not yet
  double value = 0, limit = 0;
  Json evidence = Json::object();  // what the window said: effect, n, interval, direction, column summary
  Json trace;                      // monitor/trace/trace.h, null before
  Json action;                     // {kind: review | retrain | refused | none, id, reason, at}, null before
  std::string owner, note;         // who acknowledged it, and the newest reason

  std::string node() const { return "alert:" + id; }
  Json to_json() const;
};

}  // namespace millrace::monitor
