#include "impact/times.h"

#include <algorithm>

namespace millrace::impact {

LeadTime lead_time(const std::vector<DataVersion>& stands_on, Micros released_event, Micros released_recorded) {
  LeadTime out;
  for (const auto& version : stands_on) {
    out.newest_event = std::max(out.newest_event, version.period_to);
    out.newest_recorded = std::max(out.newest_recorded, version.recorded_at);
  }
  if (out.newest_event != 0 && released_event != 0) out.event = released_event - out.newest_event;
  if (out.newest_recorded != 0 && released_recorded != 0) out.recorded = released_recorded - out.newest_recorded;
  return out;
}

Reaction reaction(Micros cause_from, Micros fired_at, Micros resolved_at) {
  Reaction out;
  if (fired_at == 0) return out;
  if (cause_from != 0) out.to_detect = fired_at - cause_from;
  if (resolved_at != 0) out.to_restore = resolved_at - fired_at;
  out.open = resolved_at == 0;
  return out;
}

}  // namespace millrace::impact
