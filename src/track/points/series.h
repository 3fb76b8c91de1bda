// All points of a metric: its chunks, and the head row with its latest point and those that no chunk holds yet. Inside
// one transaction. See the migration 0009 for the layout; the way that a point goes is in append().
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "store/database.h"
#include "track/entities.h"
#include "track/points/chunks.h"

namespace millrace::track {

inline constexpr size_t kTailPoints = 128;  // more are sealed into chunks

// Of all numbers of a metric.
struct ValueRange {
  double least = 0, greatest = 0;
};
std::optional<ValueRange> range_of(const Points& points);  // nothing without a number

struct Head {
  Point latest;
  Origin origin;                    // of the latest point
  Points tail;                      // unsealed points, in order
  std::optional<Point> sealed;      // greatest timestamp, and of that the greatest step, in a chunk
  std::optional<ValueRange> range;  // nothing: not known, or no point is a number
  bool old_rows = false;
  int64_t version = -1;  // -1 = the metric has no row yet
};

// Heads of some metrics of a run; of keys that have none, none.
Result<std::map<std::string, Head>> load_heads(store::Session& session, const std::string& workspace,
                                               const std::string& run, const std::vector<std::string>& keys);

// What a run's metrics get in one call, by key; each in order.
using Additions = std::map<std::string, Points>;

// A usual append rewrites the head alone. The tail is merged into chunks when it has grown beyond kTailPoints; a point
// that is there already, in tail or chunk, changes nothing. Rows of before migration 0009 become chunks first.
Result<void> append(store::Session& session, const std::string& workspace, const RunInfo& run, const Additions& added);

// Moves some rows of before migration 0009 into a chunk, as many as it holds. The history stays what it was, point by
// point. Answers whether there are more; does nothing when another server writes to the metric meanwhile.
Result<bool> seal_old_rows(store::Session& session, const std::string& workspace, const RunInfo& run,
                           const std::string& key);

// The `most` smallest points after a place, or those that are.
Result<Points> history_after(store::Session& session, const SeriesName& name, const std::optional<Point>& after,
                             size_t most);

// Points that are still rows of track_metrics.
Result<Points> old_rows_after(store::Session& session, const SeriesName& name, const std::optional<Point>& after,
                              size_t most);

}  // namespace millrace::track
