#include "track/points/points.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::track {

Point clamped(int64_t timestamp, int64_t step, double value) {
  constexpr double most = std::numeric_limits<double>::max();
  if (std::isnan(value)) return {.timestamp = timestamp, .step = step, .value = 0, .is_nan = true};
  return {.timestamp = timestamp, .step = step, .value = value == 0 ? 0.0 : std::clamp(value, -most, most)};
}

uint32_t Points::index_of(const Origin& origin) {
  const auto found = std::find(origins.begin(), origins.end(), origin);
  const auto index = static_cast<uint32_t>(found - origins.begin());
  if (found == origins.end()) origins.push_back(origin);
  return index;
}

void Points::add(Point point, const Origin& origin) {
  point.origin = index_of(origin);
  points.push_back(point);
}

void Points::sort() {
  if (!std::is_sorted(points.begin(), points.end(), before)) std::stable_sort(points.begin(), points.end(), before);
  points.erase(std::unique(points.begin(), points.end(), same), points.end());
}

void Points::merge(const Points& other) {
  std::vector<uint32_t> index(other.origins.size());
  for (size_t i = 0; i < index.size(); ++i) index[i] = index_of(other.origins[i]);
  const auto middle = points.size();
  for (auto point : other.points) {
    point.origin = index[point.origin];
    points.push_back(point);
  }
  const auto second = points.begin() + static_cast<std::ptrdiff_t>(middle);
  if (middle == 0 || second == points.end() || before(points[middle - 1], points[middle])) return;
  std::inplace_merge(points.begin(), second, points.end(), before);  // stable: of the same point ours comes first
  points.erase(std::unique(points.begin(), points.end(), same), points.end());
}

Points Points::slice(size_t from, size_t to) const {
  Points out;
  out.points.reserve(to - from);
  for (size_t i = from; i < to; ++i) out.add(points[i], origin_of(points[i]));
  return out;
}

}  // namespace millrace::track
