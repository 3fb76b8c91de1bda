// How large a difference is, whatever the number of rows: what stands beside a distance, because with many rows every
// distance is significant.
#pragma once
#include "stats/distance.h"

namespace millrace::stats {

// What is known of one sample of numbers.
struct Moments {
  int64_t n = 0;
  double mean = 0;
  double variance = 0;  // divided by n - 1; 0 for one row
};

// Cohen's d (Cohen 1988, "Statistical power analysis for the behavioral sciences", 2.2): the difference of means, a -
// b, in pooled standard deviations. Its sign says the direction. Two constants that differ are infinitely far apart,
// two equal ones 0. `invalid` unless both have a row.
Result<double> cohens_d(const Moments& a, const Moments& b);

// Cramer's V (Cramer 1946) of the table of two histograms over the same bins: sqrt(chi2 / n), from 0 (equal shares) to
// 1 (no bin in common). Bins that are empty in both do not count. Errors are those of distances.
Result<double> cramers_v(Counts a, Counts b);

// Sums over pairs.
struct PairSums {
  int64_t n = 0;
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
};
// Pearson's correlation, cut to [-1, 1]; NaN below two pairs or where one side is constant.
double correlation(const PairSums& sums);

}  // namespace millrace::stats
