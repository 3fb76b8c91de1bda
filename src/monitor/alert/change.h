// How a move of an alert reads in its history, in the journal and in the graph.
#pragma once
#include <string>

#include "lineage/journal.h"
#include "monitor/alert/rows.h"

namespace millrace::monitor {

// {deployment, kind, subject, arm, version, severity, state, value, limit, window, revision}; `window` is a node or "".
Json state_of(const StoredAlert& stored, const std::string& window, int64_t revision);

// The line alert.<event.kind>, with the alert's node and an edge from the window, if there is one, and from the dataset
// version that the evidence names.
lineage::Change alert_change(const StoredAlert& stored, const AlertEvent& event, const std::string& window);

}  // namespace millrace::monitor
