// A metric's points as few buckets for drawing: each keeps its least and greatest value, so that no peak is lost
// however many points there are. Inside one transaction; reads chunk by chunk and holds one at a time (and what is not
// in chunks yet).
#pragma once
#include <optional>
#include <vector>

#include "track/points/series.h"

namespace millrace::track {

inline constexpr size_t kBucketsMost = 10'000;

struct BucketRange {
  bool by_time = false;             // along the time of logging, else along the steps
  std::optional<int64_t> from, to;  // of that axis (milliseconds or steps), both included
  size_t buckets = 1'000;           // 1 to kBucketsMost
};

// Points of one part of the axis. `at` is the last of them on the curve.
struct Bucket {
  Point at;
  double least = 0, greatest = 0;  // of numbers; unset where all are NaN
  int64_t points = 0, numbers = 0;
};

struct BucketCurve {
  std::vector<Bucket> buckets;  // in the order of the axis; parts without points are left out
  int64_t total = 0;            // points of the range
  bool exact = false;           // a bucket is a point
};

// Parts of equal width between the ends of what there is; a range with no more points than buckets is answered point by
// point. Nothing for a metric that the run has not.
Result<BucketCurve> bucket_curve(store::Session& session, const SeriesName& name, const BucketRange& range);

// The pure part: points in any order fall into equal parts of [low, high].
class Buckets {
 public:
  Buckets(int64_t low, int64_t high, size_t count, bool by_time);
  void add(const Point& point);  // its place lies in [low, high]
  std::vector<Bucket> take() &&;

 private:
  uint64_t low_, width_;
  bool by_time_;
  std::vector<Bucket> buckets_;
};

}  // namespace millrace::track
