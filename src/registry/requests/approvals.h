// The row, line, node and edges of one approval of a version.
#pragma once
#include "registry/records.h"

namespace millrace::registry {

// After may_approve() (rules.h) said yes, in the same transaction.
Result<lineage::Change> record_approval(store::Session& session, const Caller& caller, const StoredVersion& stored,
                                        const std::string& why, Micros now);

}  // namespace millrace::registry
