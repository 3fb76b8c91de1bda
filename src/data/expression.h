// SQL conditions that users write in contracts. Parsed by the engine, then let through only if they are one scalar
// expression over the row's columns with functions from a fixed list: no subquery, window, aggregate, file, setting,
// chance or clock.
#pragma once
#include <string>
#include <vector>

#include "core/result.h"
#include "data/contract.h"
#include "engine/engine.h"

namespace millrace::data {

// Answers the columns that the expression reads. Errors are at `where`.
Result<std::vector<std::string>> check_expression(engine::Engine& session, const std::string& expression,
                                                  const Object& object, const Where& where);

}  // namespace millrace::data
