// The sealed points of a metric: rows of track_metric_chunks that do not overlap, in the order of a history. Inside one
// transaction. A chunk that cannot be read is `corrupt` and names its metric.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "track/points/points.h"

namespace millrace::track {

// Whose points. The texts outlive it.
struct SeriesName {
  const std::string& workspace;
  const std::string& run;
  const std::string& key;
};

// A chunk without its bytes.
struct Outline {
  Point first;
  int64_t min_step = 0, max_step = 0, points = 0;
};

// All chunks; with `from` only those that can hold that place or what comes after it.
Result<std::vector<Outline>> list_chunks(store::Session& session, const SeriesName& name,
                                         const std::optional<Point>& from = std::nullopt);
Result<Points> load_chunk(store::Session& session, const SeriesName& name, const Point& first);  // `corrupt` if absent
// At least the `most` smallest points after the place, or all that are.
Result<Points> chunks_after(store::Session& session, const SeriesName& name, const std::optional<Point>& after,
                            size_t most);

// Takes from `points` those that are in a chunk.
Result<void> drop_sealed(store::Session& session, const SeriesName& name, Points& points);
// Puts points into chunks, into those that cover them or into new ones at the end. `last` is a place that no sealed
// point lies after (by timestamp and step), if there are any: what comes after it need not look into a full chunk.
Result<void> seal(store::Session& session, const SeriesName& name, const Points& points,
                  const std::optional<Point>& last);

}  // namespace millrace::track
