// Quantiles of a stream, such as latencies, with confidence sequences (Howard and Ramdas 2022, "Sequential estimation
// of quantiles with applications to A/B testing and best-arm identification", theorem 1, in the form of the
// beta-binomial mixture): the number of values up to the true q-quantile is a sum of n coins with the chance q, and
// stats/sequential/mixture.h says which counts n coins do not contradict.
#pragma once
#include <array>
#include <cstdint>
#include <map>

#include "stats/interval.h"

namespace millrace::stats {

// Counts of positive values in bins whose edges grow by 2^(1/32), 2.2 percent: fixed size, exact to merge, no sorting.
// Values below 1 are in the first bin, those from 2^40 on in the last. Not thread-safe.
class LogHistogram {
 public:
  static constexpr int kPerDouble = 32, kDoubles = 40;
  static constexpr int kBins = kPerDouble * kDoubles + 2;

  void add(double value);  // NaN and below: the first bin
  void merge(const LogHistogram& other);

  int64_t count() const { return count_; }
  // The upper edge of the bin that holds the value number `rank`, from 1; infinite for the last bin. 1 <= rank <=
  // count().
  double at_rank(int64_t rank) const;
  // The upper edge of the bin of the q-quantile of type 1; NaN without values.
  double quantile(double q) const;

  std::map<int, int64_t> bins() const;   // those that are not empty, for storing
  void add_bin(int bin, int64_t count);  // what bins() gave; others are dropped

  static double upper_edge(int bin);

 private:
  std::array<int64_t, kBins> counts_{};
  int64_t count_ = 0;
};

// The q-quantile, where it lies with confidence 1 - alpha at every count at once; ends are edges of bins, outwards. The
// high end is infinite while there are too few values above. 0 < q < 1, 0 < alpha < 1.
Interval quantile_sequence(const LogHistogram& values, double q, double alpha);

}  // namespace millrace::stats
