// SQL conditions that users write in contracts. Parsed by the engine, then let through only if they are one scalar
// expression over the row's columns with functions from a fixed list: no subquery, window, aggregate, file, setting,
// chance or clock.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "data/contracts/contract.h"
#include "engine/engine.h"

namespace millrace::data {

struct Expression {
  std::vector<std::string> columns;  // that it reads
  Json tree;                         // of DuckDB's parser
};

// `parser` is a DuckDB session, whatever engine computes the expression. Errors are at `where`.
Result<Expression> check_expression(engine::Engine& parser, const std::string& expression, const Object& object,
                                    const Where& where);

}  // namespace millrace::data
