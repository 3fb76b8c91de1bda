// The keys of ODCS v3.1.0: which are known where, which are required, and what lies under them.
#pragma once
#include "core/yaml.h"

namespace millrace::data {

// Checks keys, required keys and the kind of every node below `contract` against the standard's tables.
Result<void> check_contract_keys(const Yaml& contract);

}  // namespace millrace::data
