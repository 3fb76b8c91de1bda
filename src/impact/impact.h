// What a deployment was worth, what it cost, and how quickly its people and machines reacted: one document, composed of
// the windows' confusion counts, the releases, the datasets and the alerts. It reads and decides nothing.
//
// The document (GET /deployments/{deployment}/impact):
//   {deployment, currency, outcomes: {true_positive, ...}, prices: {cpu_hour, label}, confidence, method,
//    months: [{month: "2013-08", arm, model, version, served, requests, labels,
//              counts: {tp, fp, fn, tn}, total: {value, low, high}, per_1000: {value, low, high, n},
//              gain: {total: {...}, per_1000: {...}}, cost_per_1000: {compute, labels, total}, mean_us}],
//    differences: [{month, canary: version, stable: version, per_1000: {value, low, high}, df,
//                   verdict: "better" | "worse" | "unclear"}],
//    total: {labels, requests, value: {...}, gain: {...}, cost},          of arms that answered
//    lead_times: [{release, number, step, model, version, newest_event, newest_recorded, event_seconds,
//                  recorded_seconds}],
//    reactions: [{alert, kind, subject, cause, cause_from, fired_at, resolved_at, detect_seconds, restore_seconds,
//                 open}]}
// Numbers that are not known are null. A shadow's rows are worth nothing to anybody (served: false) and are in no sum.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "data/datasets/datasets.h"
#include "impact/value.h"
#include "monitor/records.h"
#include "registry/registry.h"
#include "store/database.h"

namespace millrace::impact {

struct Parts {
  store::Database& database;
  data::Datasets& datasets;
  registry::Registry& registry;
  // Of a workspace's deployment: the newest revision of each window and every alert, in any order. main/ joins the
  // monitor here; empty = there are none.
  std::function<Result<std::vector<monitor::Window>>(const std::string&, const std::string&)> windows;
  std::function<Result<std::vector<monitor::Alert>>(const std::string&, const std::string&)> alerts;
};

// Value and cost alone, of windows. Pure.
Json months_of(const std::vector<monitor::Window>& windows, const ValueSpec& spec);

// Thread-safe.
class Impact {
 public:
  explicit Impact(Parts parts) : parts_(std::move(parts)) {}
  // not_found when the project gives the deployment no value.
  Result<Json> of(const std::string& workspace, const Project& project, const std::string& deployment) const;

 private:
  Result<Json> lead_times(const std::string& workspace, const std::string& deployment) const;
  Result<Json> reactions(const std::string& workspace, const std::string& deployment) const;

  Parts parts_;
};

}  // namespace millrace::impact
