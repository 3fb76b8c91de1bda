// Alerts that belong together: of one cause, of one deployment, of one month.
#pragma once
#include <string>
#include <vector>

#include "monitor/alert/headline.h"

namespace millrace::monitor {

struct AlertGroup {
  std::string group;  // a node, a deployment, a month ("2013-10"); "" = no cause was found
  std::string title;
  int64_t count = 0, open = 0;
  Micros first_at = 0, last_at = 0;  // event times of the first and the last that began
  std::string worst;                 // severity
  std::vector<std::string> ids;      // the newest, up to kGroupIds
  Json to_json() const;
};
inline constexpr size_t kGroupIds = 20;

// By cause, deployment or month; those with open alerts first, then the newest. Pure; `alerts` are newest first.
Result<std::vector<AlertGroup>> group_alerts(const std::vector<Headline>& alerts, const std::string& by);

}  // namespace millrace::monitor
