// How long the loop took: from data to release, from a cause to its alert, from an alert to its end. Pure.
// Two clocks are kept apart: event time is when things happened in the world (flights, weather), recorded time is when
// this installation learnt of them. In a replay they differ by months.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"

namespace millrace::impact {

struct DataVersion {
  std::string node;
  Micros period_from = 0, period_to = 0;  // event time; 0, 0 = it has no period
  Micros recorded_at = 0;
};

// From the newest data that a version stands on to the moment it was released.
struct LeadTime {
  Micros newest_event = 0, newest_recorded = 0;  // 0 = no version tells
  std::optional<Micros> event;                   // release's event time minus newest_event
  std::optional<Micros> recorded;                // release's recorded time minus newest_recorded
};
LeadTime lead_time(const std::vector<DataVersion>& stands_on, Micros released_event, Micros released_recorded);

// Of an alert with a known cause, in event time.
struct Reaction {
  std::optional<Micros> to_detect;   // start of the causing data's period until the alert fired
  std::optional<Micros> to_restore;  // fired until resolved; nothing while it is open
  bool open = false;                 // fired, and not resolved
};
Reaction reaction(Micros cause_from, Micros fired_at, Micros resolved_at);

}  // namespace millrace::impact
