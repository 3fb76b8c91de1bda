// A difference of two versions' answers in sums, so that periods add up: what is stored of each ended window, and what
// a report (difference.h) is finished from. Pure.
//
// {rows, sum, sum_abs, max_abs, bins: [[bin, count]], histogram: [counts], quantiles: {p50, p90, p99} | null, flips,
//  to_positive, only_stable, only_shadow, segments: [{column, value, rows, sum, sum_abs, flips}], groups: the same}
// bins are those of stats/sequential/quantile.h over |dp| / kSmallest. `quantiles` are exact, and null once parts were
// added up: then they are read from the bins, at most 2.2 percent too large.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"

namespace millrace::monitor {

inline constexpr double kDifferenceEdges[] = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3};  // of the histogram shown
inline constexpr double kSmallest = 1e-9;
inline constexpr int64_t kFewValues = 20;       // of a column that makes segments
inline constexpr size_t kMostSegments = 50;     // of a report
inline constexpr size_t kMostGroups = 100;      // of a report and a column
inline constexpr size_t kStoredSegments = 500;  // of a part

Json empty_difference();  // of no rows

// Both as above. Segments of a column that only one of them has are left out, unless the other has no rows; so are
// those of a column that has too many values together.
Json add_differences(const Json& one, const Json& other);

// {rows, mean, mean_abs, max_abs, quantiles, histogram, flips, flip_rate, to_positive, to_negative, answered, segments,
//  groups}: those that flip most come first, by the lower end of their interval. null without rows.
Json difference_report(const Json& part);

}  // namespace millrace::monitor
