// How far a window's columns are from the reference's.
#pragma once
#include <string>
#include <vector>

#include "monitor/window/log_view.h"

namespace millrace::monitor {

// The columns of records.h for rows of `groups`, compared with `reference`: every input that both have, in order of
// name, then the score (of answered rows). PSI adds half a row to each bin (stats/distance.h); the bin of nulls is a
// bin like the others in PSI, in Jensen-Shannon's divergence and in Cramer's V, while Cohen's d is of the values there
// are. A distance without rows on both sides is null. `without` gets the inputs that the reference does not know.
Result<Json> measure_columns(engine::Engine& engine, const std::vector<const Group*>& groups,
                             const Reference& reference, std::vector<std::string>& without);

// Any of these groups, as SQL.
std::string condition_of(const std::vector<const Group*>& groups);

}  // namespace millrace::monitor
