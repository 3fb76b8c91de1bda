// The numbers of one column: exact counts, sums, extremes and histogram; how many different ones there are and where
// their quantiles lie, exactly while they are whole and not far apart (years, minutes, codes: most columns), from
// sketches beyond. Memory is bounded.
#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "stats/distinct.h"
#include "stats/kll.h"

namespace millrace::data {

class NumberCounter {
 public:
  // `edges` of the histogram, ascending (data/profiles/profile.h); may be empty. A column of `whole` numbers gets them
  // by add(int64_t), another by add(double).
  NumberCounter(bool whole, std::vector<double> edges)
      : whole_(whole), edges_(std::move(edges)), bins_(edges_.size() + 1) {}

  void add(int64_t value) {
    const uint64_t at = static_cast<uint64_t>(value) - static_cast<uint64_t>(low_);
    if (at < counts_.size())
      ++counts_[at];
    else
      add_far(value);
  }
  void add(double value);

  struct Totals {
    int64_t nan = 0, infinite = 0;
    int64_t finite = 0;               // how many finite ones
    double minimum = 0, maximum = 0;  // of them, as are the next; 0 without any
    double sum = 0, sum_of_squares = 0;
    int64_t distinct = 0;       // of all values; NaN is one
    double distinct_error = 0;  // one standard error as a share; 0 = exact
    std::vector<int64_t> bins;  // NaN is in none
    std::vector<double> quantiles;
    double quantile_error = 0;  // in rank, as a share; 0 = exact
  };
  Totals totals(std::span<const double> shares) const;
  const std::vector<double>& edges() const { return edges_; }

 private:
  static constexpr int64_t kWindow = 1 << 16;
  void add_far(int64_t value);
  void add_apart(double value, uint64_t hash, int64_t times);
  void spread();
  uint64_t hash_of(int64_t value) const;
  size_t bin_of(double value) const;

  bool whole_;
  std::vector<double> edges_;
  std::vector<int64_t> bins_;
  bool dense_ = true;
  int64_t low_ = 0;                          // counts_[i] is of low_ + i
  std::vector<int64_t> counts_;              // empty once they are too far apart
  int64_t nan_ = 0, above_ = 0, below_ = 0;  // NaN and the infinities
  // Of what is not in counts_.
  int64_t finite_ = 0;
  double minimum_ = 0, maximum_ = 0, sum_ = 0, carried_ = 0, sum_of_squares_ = 0;
  __int128 whole_sum_ = 0;
  stats::DistinctCounter distinct_;
  stats::QuantileSketch sketch_;
};

}  // namespace millrace::data
