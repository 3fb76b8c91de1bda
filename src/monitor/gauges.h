// What Prometheus sees of monitoring: gauges of the newest complete window of each deployment, an arm at a time.
#pragma once
#include <string>

#include "store/database.h"

namespace millrace::monitor {

// millrace_drift_score{deployment,arm,model,version,column,method} with method psi, js, effect;
// millrace_performance{deployment,arm,model,version,metric,bound} with bound lower, point, upper. What is null in the
// window is left out. Text format 0.0.4.
Result<std::string> gauges_text(const store::Database& database, const std::string& workspace);

}  // namespace millrace::monitor
