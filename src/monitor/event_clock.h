// How far a deployment has come: its event time and its looks. A row of monitor_clock as a value.
#pragma once
#include <string>

#include "core/clock.h"
#include "store/database.h"

namespace millrace::monitor {

struct ClockRow {
  Micros event_now = 0;     // 0: the deployment lives in wall-clock time
  Micros looked_to = 0;     // every look that was due up to there is done
  int64_t label_batch = 0;  // labels up to this batch and this event time have been joined with their windows
  Micros label_time = 0;
};

// All 0 when there is none yet.
Result<ClockRow> read_clock(store::Session& session, const std::string& workspace, const std::string& deployment);
Result<void> write_clock(store::Session& session, const std::string& workspace, const std::string& deployment,
                         const ClockRow& row);

}  // namespace millrace::monitor
