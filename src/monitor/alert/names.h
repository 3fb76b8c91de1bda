// How people name alerts.
#pragma once
#include <string>
#include <vector>

#include "monitor/alert/rows.h"

namespace millrace::monitor {

// See Alerts::get.
Result<StoredAlert> find_named(store::Session& session, const std::string& workspace, const std::string& name);

// The shortest prefix of `id` that no other id has, but at least "alert-" and 8 more. `ids` are sorted.
std::string short_id(const std::string& id, const std::vector<std::string>& ids);

}  // namespace millrace::monitor
