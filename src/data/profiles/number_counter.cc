#include "data/profiles/number_counter.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace millrace::data {

namespace {

// Both zeros are one value.
uint64_t hash_of_real(double value) { return stats::mix(std::bit_cast<uint64_t>(value == 0 ? 0.0 : value)); }

}  // namespace

uint64_t NumberCounter::hash_of(int64_t value) const {
  return whole_ ? stats::mix(static_cast<uint64_t>(value)) : hash_of_real(static_cast<double>(value));
}

void NumberCounter::add(double value) {
  const auto whole = static_cast<int64_t>(std::abs(value) < 0x1p31 ? value : 0.5);
  if (dense_ && static_cast<double>(whole) == value) return add(whole);
  if (std::isnan(value)) {
    ++nan_;
    return;
  }
  if (std::isinf(value)) {
    ++(value > 0 ? above_ : below_);
    return;
  }
  if (dense_) spread();
  // Neumaier's sum.
  const double sum = sum_ + value;
  carried_ += std::abs(sum_) >= std::abs(value) ? sum_ - sum + value : value - sum + sum_;
  sum_ = sum;
  add_apart(value, hash_of_real(value), 1);
}

// A value outside the window: the window grows, or is given up.
void NumberCounter::add_far(int64_t value) {
  using Limits = std::numeric_limits<int64_t>;
  if (!dense_) {
    whole_sum_ += value;
    return add_apart(static_cast<double>(value), hash_of(value), 1);
  }
  const int64_t low = counts_.empty() ? value : std::min(low_, value);
  const int64_t high = counts_.empty() ? value : std::max(low_ + static_cast<int64_t>(counts_.size()) - 1, value);
  if (value < Limits::min() + 2 * kWindow || value > Limits::max() - 2 * kWindow ||
      static_cast<uint64_t>(high) - static_cast<uint64_t>(low) >= kWindow) {
    spread();
    // What was a double is one of those now.
    return whole_ ? add_far(value) : add(static_cast<double>(value));
  }
  // Room on the side where it grew, so that a sorted column does not move its counts each time.
  const int64_t room = std::clamp<int64_t>(2 * (high - low + 1), 256, kWindow);
  const int64_t first = !counts_.empty() && value < low_ ? high - room + 1 : low;
  std::vector<int64_t> grown(static_cast<size_t>(room));
  for (size_t i = 0; i < counts_.size(); ++i)
    if (counts_[i] != 0) grown[static_cast<size_t>(low_ + static_cast<int64_t>(i) - first)] = counts_[i];
  counts_ = std::move(grown);
  low_ = first;
  ++counts_[static_cast<size_t>(value - low_)];
}

// From counts to sketches.
void NumberCounter::spread() {
  dense_ = false;
  const auto counts = std::exchange(counts_, {});
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const int64_t value = low_ + static_cast<int64_t>(i);
    whole_sum_ += static_cast<__int128>(value) * counts[i];
    add_apart(static_cast<double>(value), hash_of(value), counts[i]);
  }
}

// All but the sum, which is exact for whole numbers.
void NumberCounter::add_apart(double value, uint64_t hash, int64_t times) {
  if (finite_ == 0) minimum_ = maximum_ = value;
  minimum_ = std::min(minimum_, value), maximum_ = std::max(maximum_, value);
  finite_ += times;
  sum_of_squares_ += value * value * static_cast<double>(times);
  bins_[bin_of(value)] += times;
  distinct_.add(hash);
  if (times == 1)
    sketch_.add(value);
  else
    sketch_.add(value, times);
}

// Steps are mostly equal: the guess is right or beside.
size_t NumberCounter::bin_of(double value) const {
  if (edges_.empty() || !(value > edges_.front())) return 0;
  const double span = edges_.back() - edges_.front();
  const double guess = (value - edges_.front()) / span * static_cast<double>(edges_.size() - 1);
  size_t bin = !(guess > 0)                                     ? 0
               : guess < static_cast<double>(edges_.size() - 1) ? static_cast<size_t>(guess)
                                                                : edges_.size() - 1;
  while (bin > 0 && value <= edges_[bin - 1]) --bin;
  while (bin < edges_.size() && value > edges_[bin]) ++bin;
  return bin;
}

NumberCounter::Totals NumberCounter::totals(std::span<const double> shares) const {
  Totals out{.nan = nan_, .infinite = above_ + below_, .finite = finite_, .bins = bins_};
  out.bins.front() += below_, out.bins.back() += above_;
  const int64_t others = (nan_ > 0 ? 1 : 0) + (above_ > 0 ? 1 : 0) + (below_ > 0 ? 1 : 0);
  if (!dense_) {
    out.minimum = minimum_, out.maximum = maximum_;
    out.sum = sum_ + carried_ + static_cast<double>(whole_sum_), out.sum_of_squares = sum_of_squares_;
    out.distinct = distinct_.value() + others, out.distinct_error = distinct_.standard_error();
    out.quantiles = sketch_.quantiles(shares), out.quantile_error = sketch_.rank_error();
    return out;
  }
  __int128 sum = 0;
  long double squares = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const int64_t value = low_ + static_cast<int64_t>(i);
    const auto real = static_cast<double>(value);
    if (out.finite == 0) out.minimum = real;
    out.maximum = real;
    out.finite += counts_[i];
    sum += static_cast<__int128>(value) * counts_[i];
    squares += static_cast<long double>(real) * real * static_cast<long double>(counts_[i]);
    out.bins[bin_of(real)] += counts_[i];
    ++out.distinct;
  }
  out.distinct += others;
  out.sum = static_cast<double>(sum), out.sum_of_squares = static_cast<double>(squares);
  for (const double share : shares) {
    const int64_t wanted = stats::quantile_rank(share, out.finite);
    int64_t below = 0;
    double found = std::numeric_limits<double>::quiet_NaN();
    for (size_t i = 0; i < counts_.size() && below < wanted; ++i)
      if (counts_[i] != 0) below += counts_[i], found = static_cast<double>(low_ + static_cast<int64_t>(i));
    out.quantiles.push_back(found);
  }
  return out;
}

}  // namespace millrace::data
