// Whether predicted probabilities come true.
#pragma once
#include <vector>

#include "stats/binary.h"

namespace millrace::stats {

struct CalibrationBin {
  int64_t rows = 0;
  double predicted = 0;  // mean probability
  Interval observed;     // share of positives, Wilson
};

struct Calibration {
  Interval ece;
  double max_error = 0;  // largest |observed - predicted| of a bin
  std::vector<CalibrationBin> bins;
};

// Expected calibration error sum (n_b / n) |observed_b - predicted_b| (Naeini, Cooper & Hauskrecht 2015) over bins of
// equal numbers of rows. Rows of equal probability share a bin, so the order of rows does not matter; bins may be fewer
// than asked for. 1 <= bins <= 1000.
//
// The interval is analytic and needs no chance: with noise e_b of each bin's gap, |ECE - true| <= D = sum (n_b / n)
// |e_b| (triangle inequality). e_b is taken as normal with variance q(1 - q) / n_b, q = (positives + 1) / (n_b + 2);
// D's quantile follows from the mean, variance and skewness of the folded normals (Cornish & Fisher 1938). So the
// interval is ece +- that quantile, cut to [0, 1]: it keeps its confidence for a calibrated model, whose ECE is all
// noise, and is conservative for others. "True" is the error of the binned probabilities.
Result<Calibration> calibration(Labels labels, Scores probabilities, int64_t bins = 10, double confidence = 0.95);

// The same from bins that an SQL engine has counted: rows, positives and the sum of probabilities of each. The bins are
// those above when row i in ascending order of probability goes by its rank: bin k begins at row
// k * (n / bins) + min(k, n % bins), and rows of equal probability go where the first of them goes.
struct CalibrationSums {
  int64_t rows = 0, positives = 0;
  double probabilities = 0;
};
Result<Calibration> calibration(std::span<const CalibrationSums> bins, double confidence = 0.95);

}  // namespace millrace::stats
