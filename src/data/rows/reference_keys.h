// The keys of a reference, read into memory by the session's SQL.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/plan.h"
#include "data/rows/key_set.h"

namespace millrace::data {

// `too_large` at the rule when they are more than limits::row_key_bytes.
Result<std::shared_ptr<const KeySet>> read_keys(engine::Engine& session, Plan& plan, const Rule& rule,
                                                const std::map<std::string, std::vector<std::string>>& references);

}  // namespace millrace::data
