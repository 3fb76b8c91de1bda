// Runs without what they logged, for those who show many of them. Inside one transaction.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "store/database.h"
#include "track/entities.h"

namespace millrace::track {

// Those that exist, by id.
Result<std::map<std::string, RunInfo>> load_run_infos(store::Session& session, const std::string& workspace,
                                                      const std::vector<std::string>& ids);
// A run with its datasets and models.
Result<Run> load_run_inputs(store::Session& session, const std::string& workspace, const RunInfo& info);

}  // namespace millrace::track
