#include "stats/kll.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace millrace::stats {
namespace {

constexpr double kShrink = 2.0 / 3;
constexpr size_t kLeast = 16;

}  // namespace

int64_t quantile_rank(double share, int64_t count) {
  // 0.1 * 30 is a little more than 3.
  const double place = share * static_cast<double>(count) * (1 - 1e-15);
  return std::clamp<int64_t>(static_cast<int64_t>(std::ceil(place)), std::min<int64_t>(count, 1), count);
}

void QuantileSketch::set_capacities() {
  capacity_.resize(levels_.size());
  double size = kTop;
  for (size_t h = levels_.size(); h-- > 0; size *= kShrink) capacity_[h] = std::max(kLeast, static_cast<size_t>(size));
}

// Every level that is full, from the lowest: what it sends up may fill the next.
void QuantileSketch::compress() {
  for (size_t h = 0; h < levels_.size(); ++h) {
    if (levels_[h].size() < capacity_[h]) continue;
    if (h + 1 == levels_.size()) {
      levels_.emplace_back();
      set_capacities();
      if (levels_[h].size() < capacity_[h]) continue;
    }
    auto& level = levels_[h];
    std::sort(level.begin(), level.end());
    coin_ ^= coin_ << 13, coin_ ^= coin_ >> 7, coin_ ^= coin_ << 17;
    // Of an odd number one value stays: weights must add up to the count.
    const size_t pairs = level.size() / 2;
    for (size_t i = 0; i < pairs; ++i) levels_[h + 1].push_back(level[2 * i + (coin_ & 1)]);
    if (level.size() % 2 == 1) level[0] = level.back();
    level.resize(level.size() % 2);
  }
}

void QuantileSketch::add(double value, int64_t times) {
  for (size_t h = 0; times >> h != 0; ++h) {
    if ((times >> h & 1) == 0) continue;
    while (levels_.size() <= h) levels_.emplace_back();
    levels_[h].push_back(value);
  }
  count_ += times;
  set_capacities();
  compress();
}

void QuantileSketch::merge(const QuantileSketch& other) {
  while (levels_.size() < other.levels_.size()) levels_.emplace_back();
  for (size_t h = 0; h < other.levels_.size(); ++h)
    levels_[h].insert(levels_[h].end(), other.levels_[h].begin(), other.levels_[h].end());
  count_ += other.count_;
  set_capacities();
  compress();
}

std::vector<double> QuantileSketch::quantiles(std::span<const double> shares) const {
  std::vector<std::pair<double, int64_t>> kept;
  for (size_t h = 0; h < levels_.size(); ++h)
    for (const double value : levels_[h]) kept.emplace_back(value, int64_t{1} << h);
  std::sort(kept.begin(), kept.end());
  std::vector<double> out;
  for (const double share : shares) {
    const int64_t wanted = quantile_rank(share, count_);
    int64_t below = 0;
    double found = std::numeric_limits<double>::quiet_NaN();
    for (const auto& [value, weight] : kept) {
      found = value;
      if ((below += weight) >= wanted) break;
    }
    out.push_back(found);
  }
  return out;
}

}  // namespace millrace::stats
