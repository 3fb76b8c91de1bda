#include "exchange/points.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

#include "core/hash.h"

namespace millrace::exchange {
namespace {

double kept(double value) {
  constexpr double most = std::numeric_limits<double>::max();
  if (std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
  return value == 0 ? 0.0 : std::clamp(value, -most, most);
}

// NaN has its place beside the numbers, so that there is an order.
using Place = std::tuple<int64_t, int64_t, bool, double>;
Place place_of(const Point& point) {
  const bool is_nan = std::isnan(point.value);
  return {point.timestamp, point.step, is_nan, is_nan ? 0.0 : point.value};
}

std::string_view model_of(const Point& point) {
  return point.on != nullptr ? std::string_view(point.on->model_id) : std::string_view();
}

using Name = std::tuple<std::string_view, std::string_view, std::string_view>;
Name name_of(const Point& point) {
  if (point.on == nullptr) return {};
  return {point.on->model_id, point.on->dataset_name, point.on->dataset_digest};
}

std::string line_of(const Point& point) {
  const auto bits =
      std::isnan(point.value) ? std::string("nan") : fmt::format("{:016x}", std::bit_cast<uint64_t>(point.value));
  return fmt::format("{} {} {}", point.timestamp, point.step, bits);
}

}  // namespace

void say_measured(std::vector<Point>& points, std::vector<Point> on_models) {
  std::map<Place, size_t> places;
  for (size_t i = 0; i < points.size(); ++i) places.emplace(place_of(points[i]), i);
  for (auto& measured : on_models) {
    const auto found = places.find(place_of(measured));
    if (found != places.end() && model_of(points[found->second]).empty())
      points[found->second] = std::move(measured);
    else
      points.push_back(std::move(measured));
  }
}

void settle(std::vector<Point>& points) {
  for (auto& point : points) point.value = kept(point.value);
  const auto key = [](const Point& point) { return std::pair(place_of(point), name_of(point)); };
  std::sort(points.begin(), points.end(), [&](const Point& a, const Point& b) { return key(a) < key(b); });
  // The same point without a model says nothing beside one with it; it sorts first.
  size_t kept_points = 0;
  for (auto& point : points) {
    if (kept_points > 0) {
      const auto& last = points[kept_points - 1];
      if (key(last) == key(point)) continue;
      if (place_of(last) == place_of(point) && model_of(last).empty()) --kept_points;
    }
    if (&points[kept_points] != &point) points[kept_points] = std::move(point);
    ++kept_points;
  }
  points.resize(kept_points);
}

Series series_of(const std::vector<Point>& settled) {
  Series series;
  Sha256 hash;
  const Point* last = nullptr;
  for (const auto& point : settled) {
    if (last != nullptr && place_of(*last) == place_of(point)) continue;
    last = &point;
    ++series.count;
    hash.update(line_of(point) + "\n");
  }
  series.digest = hash.digest();
  return series;
}

void MeasuredSet::add(const std::string& run, const std::string& key, const Point& point) {
  const auto [model, dataset, digest] = name_of(point);
  const auto hex = digest_of(fmt::format("{}\n{}\n{}\n{}\n{}", run, key, line_of(point), dataset, digest)).substr(7);
  for (size_t i = 0; i < bits_.size(); ++i) bits_[i] ^= std::stoull(hex.substr(i * 16, 16), nullptr, 16);
  ++count_;
}

std::string MeasuredSet::text() const {
  return fmt::format("{} {:016x}{:016x}{:016x}{:016x}", count_, bits_[0], bits_[1], bits_[2], bits_[3]);
}

}  // namespace millrace::exchange
