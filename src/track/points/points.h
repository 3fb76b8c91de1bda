// Points of one metric of one run, as plain values in the order of its history. Pure; not thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace millrace::track {

// What a point was measured on; "" = nothing was said.
struct Origin {
  std::string model_id, dataset_name, dataset_digest;
  bool operator==(const Origin&) const = default;
};

// A NaN is value 0 with is_nan; infinities and negative zero do not occur (see clamped()).
struct Point {
  int64_t timestamp = 0, step = 0;
  double value = 0;
  bool is_nan = false;
  uint32_t origin = 0;  // index into the origins of its points

  // The order of a history, and what makes two points the same. Where a point came from is no part of it.
  auto place() const { return std::tie(timestamp, step, value, is_nan); }
  // The order of a curve, and what "latest" means.
  auto on_curve() const { return std::tie(step, timestamp, value, is_nan); }
};
inline bool before(const Point& a, const Point& b) { return a.place() < b.place(); }
inline bool same(const Point& a, const Point& b) { return a.place() == b.place(); }

// What is kept of a number that a client sent: NaN as a flag, infinities as the largest finite numbers, one zero.
Point clamped(int64_t timestamp, int64_t step, double value);

struct Points {
  std::vector<Point> points;
  std::vector<Origin> origins{Origin{}};  // the first is the empty one

  bool empty() const { return points.empty(); }
  size_t size() const { return points.size(); }
  const Origin& origin_of(const Point& point) const { return origins[point.origin]; }
  // The index of an origin, added if it is new. Few are expected.
  uint32_t index_of(const Origin& origin);
  void add(Point point, const Origin& origin);
  // Brings what was added in any order into the order of a history; of the same point the first stays.
  void sort();
  // Adds those of `other` that are not here yet. Both are in order, and so is the outcome.
  void merge(const Points& other);
  // Those from `from` up to but without `to`.
  Points slice(size_t from, size_t to) const;
};

}  // namespace millrace::track
