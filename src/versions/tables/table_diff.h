// What changed between two states of a table: its columns, its rows, and how its values are spread.
#pragma once
#include <string>

#include "engine/engine.h"

namespace millrace::versions {

// `before` and `after` are relations that the session reads, with the same or other columns.
// {schema: {added, removed, changed}, rows: {before, after, only_before, only_after}, columns: {name: {nulls, psi,
// test, p}}} Rows are compared as a multiset, over the columns that both have with the same type; psi over ten bins of
// the former state's quantiles, or its fifty commonest values, with half a row added to each.
Result<Json> diff_tables(engine::Engine& session, const std::string& before, const std::string& after);

}  // namespace millrace::versions
