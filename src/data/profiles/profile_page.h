// A stored profile as people read it, column by column, and two of them side by side. Pure.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "data/contracts/contract.h"

namespace millrace::data {

// {column, type, classification, masked, required, rows, nulls, null_rate, wrong_type, distinct: {value, exact, error},
//  min, max, mean, deviation, quantiles: {shares, values, exact, error} | null,
//  histogram: {edges, counts} | null, top: [{value, count}] | null, true: count | null}
// In the contract's order where it is known, else by name. min and max of texts are lengths. Counts are one more than
// edges: at or below the first, up to each next, over the last.
std::vector<Json> profile_columns(const Json& profile, const Object* object);

struct ProfileDiff {
  int64_t rows_from = 0, rows_to = 0;
  // {column, change: added | removed | type | shift | none, type, psi, js, nulls: {from, to}, mean: {from, to},
  //  distinct: {from, to}, histogram: {edges, from, to} | null, top: [{value, from, to}] | null}
  std::vector<Json> columns;  // those that came, went or changed their type first, then by distance
};
// A shift is a PSI of at least kShift that chance alone would not give (one in 1,000). Histograms over other edges, and
// masked columns, are compared by their nulls and means alone.
inline constexpr double kShift = 0.1;
ProfileDiff diff_profiles(const Json& from, const Json& to);

}  // namespace millrace::data
