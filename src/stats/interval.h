// An estimate with its confidence interval.
#pragma once
#include <cstdint>

#include "core/result.h"

namespace millrace::stats {

struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
};

// The share hits / n with Wilson's score interval (Wilson 1927, "Probable inference, the law of succession, and
// statistical inference"): (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). `invalid` unless
// 0 <= hits <= n, n > 0 and 0 < confidence < 1.
Result<Interval> wilson(int64_t hits, int64_t n, double confidence = 0.95);

// The same for a share that is not a count, as if of n independent rows. Arguments must be in range.
Interval wilson_of_share(double share, double n, double z);

// mean +- z s / sqrt(n), for means of many rows. Of one row the interval is infinite. n > 0.
Interval mean_interval(double sum, double sum_of_squares, int64_t n, double z);

// z of `confidence`; `invalid` unless it lies strictly between 0 and 1.
Result<double> checked_z(double confidence);

}  // namespace millrace::stats
