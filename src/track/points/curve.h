// Few points of a metric that stand for all of them, in the order of steps. Inside one transaction.
#pragma once
#include <optional>
#include <vector>

#include "track/points/series.h"

namespace millrace::track {

struct CurveRange {
  std::optional<int64_t> start_step, end_step;  // both or none, both included
  size_t wanted = 320;                          // at least 1
};

// Which of `total` points are shown when `wanted` may be: the first of each of `wanted` parts whose sizes differ by
// one at most, and the last point, as MLflow's server chooses. Of one wanted it is the last.
std::vector<size_t> evenly_spaced(size_t total, size_t wanted);

// Reads only the chunks that hold such points, as long as steps grow with time; chunks whose steps interleave are put
// in order together, up to kInterleaved points, beyond which they are taken in the order of time.
inline constexpr size_t kInterleaved = 4 << 20;
Result<Points> sample_evenly(store::Session& session, const SeriesName& name, const CurveRange& range);

// Also the least and the greatest of each part, so that no peak is lost: half as many parts, two points of each, the
// first and last point of all. Reads every chunk of the range, one after the other.
Result<Points> sample_extremes(store::Session& session, const SeriesName& name, const CurveRange& range);

}  // namespace millrace::track
