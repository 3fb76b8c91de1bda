// The document of facts (GET /report) as sections read it. Anything may be missing: a new project has no facts.
//   {format: 1, made_at, millrace, workspace, project: {name, digest} | null,
//    datasets: [{dataset, version, node, verdict, rows, accepted, quarantined, digest, from, to, recorded_at,
//                reasons: [{rule, column, rows, value, limit, text}]}],
//    runs: [{stage, node, key, state, run_id, started_at, ended_at, outs: count}],
//    models: [as GET /models gives them],
//    deployments: [{name, model, event_now, monitor: the project's section | null, releases: [], windows: [],
//                   alerts: [] with traces, reviews: [], impact: {} | null, impact_note}],
//    audit: {intact, lines, head, first_bad, reason},
//    notes: [sentences about what was left out]}
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/json.h"

namespace millrace::report {

// Periods of windows that charts show; older ones are counted.
inline constexpr size_t kPeriods = 24;

// One deployment, with what several sections ask of it. Points into the document.
struct Deployment {
  const Json* json = nullptr;
  std::string name;
  std::vector<const Json*> releases;  // oldest first
  std::vector<const Json*> windows;   // by period, at most kPeriods periods; arm `all` is among them
  std::vector<const Json*> alerts;    // newest first
  size_t periods = 0;                 // how many there are in all
  Micros from = 0, to = 0;            // event time that the charts cover; 0, 0 = nothing happened

  std::vector<const Json*> of_arm(std::string_view arm) const;
};

struct Facts {
  const Json* json = nullptr;
  std::vector<Deployment> deployments;
  Micros made_at = 0;

  const Json& all() const { return *json; }
};
Facts read_facts(const Json& document);

// An arm of one version, as one line of a chart.
struct ArmLine {
  std::string arm;
  int64_t version = 0;
  std::vector<const Json*> windows;  // by time
  int colour = 0, dash = 0;          // a colour a version, a dash an arm
  bool hollow = false;
  std::string name() const;  // "version 2, canary"
};
// Of stable, canary and (if asked for) shadow windows.
std::vector<ArmLine> lines_of(const Deployment& deployment, bool with_shadows);

Micros middle_of(const Json& window);
// {version, stable's model} that a release puts on the stable arm.
int64_t stable_version(const Json& release);
Micros event_time(const Json& release);

// "drift of temp", "AUC of version 2", in words.
std::string title_of(const Json& alert);
std::string metric_words(std::string_view metric);                 // "auc" -> "AUC"
bool is_open(const Json& alert);                                   // pending, firing or acknowledged
std::string cause_of(const Json& alert);                           // node of a proven cause, or ""
std::string value_words(const Json& alert, std::string_view key);  // its `value` or `limit` with unit

}  // namespace millrace::report
