// What the project asks to be watched: the section `monitors` of the project file, as plain values.
//   monitors: {DEPLOYMENT: {window, every, min_rows, missing, reference, drift, nulls, performance, refusals,
//                           quarantine, latency, for, on}}
// Every key may be left out but `reference` where drift or nulls are watched: they are measured against it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/project.h"

namespace millrace::monitor {

enum class Period { day, week, month };  // calendar periods in UTC; a week begins on Monday
std::string_view name_of(Period period);

// A value beyond a limit breaks it; at the limit it holds (rules.h). At least one of the two is set, and `page` is the
// farther one.
struct Bound {
  std::optional<double> warn, page;
  bool below = false;  // broken by values under the limit (auc, recall, precision), else by values over it
};

// One limit. kind.metric is one of:
//   drift.{psi, js}  nulls.rise  performance.{auc, recall, precision, log_loss, brier, calibration_error}
//   refusals.rate  quarantine.rate  latency.{p50_us, p95_us, p99_us, mean_us}
struct RuleSpec {
  std::string kind, metric;
  Bound bound;
  Where where;
};

// What a firing alert leads to.
struct OnFiring {
  std::string page = "review", warn = "none";  // review, none
  std::string retrain_target;                  // natural drift: this stage is run anew; "" = nothing is
  int64_t cooldown_days = 60;                  // of event time between two of them
  Where where;
};

struct MonitorSpec {
  std::string deployment;
  Period window = Period::month;
  std::optional<Period> every;    // how often a window is looked at while it fills; none: once, at its end
  int64_t min_rows = 500;         // with fewer requests (labels, for performance) nothing is decided
  std::optional<double> missing;  // a number that is counted as null
  std::string reference_stage, reference_file;  // an out of the pipeline, "" = none
  std::vector<RuleSpec> rules;                  // in the file's order
  int64_t for_looks = 1;                        // looks in a row that must break a rule before it fires
  OnFiring on;
  Where where;
};

// Empty without the section. `invalid` with the place for unknown keys, names and values out of range.
Result<std::vector<MonitorSpec>> read_monitors(const Project& project);

}  // namespace millrace::monitor
