// Runs side by side: what they share and where they differ, column by column. Inside one transaction.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "track/table/columns.h"

namespace millrace::track {

inline constexpr size_t kComparedMost = 100;  // runs

struct ComparedColumn {
  RunColumn column;
  bool differs = false;  // a value that another run has not, or that it lacks
};
// Every column that one of the runs has: parameters, then metrics, then tags; of each those that differ come first, by
// key. Metrics are compared by their latest value. `differ`: only those.
Result<std::vector<ComparedColumn>> compared_columns(store::Session& session, const std::string& workspace,
                                                     const std::vector<std::string>& runs, bool differ);

}  // namespace millrace::track
