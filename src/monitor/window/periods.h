// The calendar of windows, in UTC: where periods begin and end, and when a window is looked at. Pure.
#pragma once
#include <vector>

#include "monitor/spec.h"

namespace millrace::monitor {

inline constexpr Micros kDay = 86'400'000'000;

Micros day_of(Micros time);  // its midnight
Micros period_start(Period period, Micros time);
Micros period_end(Period period, Micros start);  // the start of the next one

// When the window that begins at `start` is looked at: after each whole `every` from its start that fits, and at its
// end. Ascending; the last one is the end.
std::vector<Micros> looks_of(const MonitorSpec& spec, Micros start);

}  // namespace millrace::monitor
