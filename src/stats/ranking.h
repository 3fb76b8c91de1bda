// How well scores rank rows of label 1 above rows of label 0. Labels: 0 is negative, all else positive. Scores may be
// infinite; a NaN score, or unequal lengths, is `invalid`. O(n log n) time, O(n) memory.
#pragma once
#include <cstdint>
#include <span>

#include "stats/interval.h"

namespace millrace::stats {

using Labels = std::span<const uint8_t>;
using Scores = std::span<const double>;

struct Auc {
  Interval auc;
  double variance = 0;
  int64_t positives = 0;
  int64_t negatives = 0;
};

// ROC AUC = P(score of a positive > score of a negative) + P(equal) / 2, by mid-ranks, with the variance of DeLong,
// DeLong & Clarke-Pearson (1988) in the fast form of Sun & Xu (2014), and value +- z sqrt(variance), cut to [0, 1].
// Where that variance is 0 or undefined (perfect ranking, all scores equal, a class of one row) it would feign
// certainty: there the interval is Wilson's for as many rows as the smaller class has, and `variance` is 0.
// `invalid` unless both classes occur.
Result<Auc> roc_auc(Labels labels, Scores scores, double confidence = 0.95);

// The same from sums that an SQL engine answers, so that no score leaves it. Of each row, `right` is twice the number
// of rows of the other class that it is ranked right against (a positive above, a negative below), and once that of its
// ties; both classes have the same sum of it.
struct AucSums {
  int64_t positives = 0, negatives = 0;
  double right = 0;                                   // sum over the positives
  double positive_squares = 0, negative_squares = 0;  // sums of right^2
};
Result<Auc> roc_auc(const AucSums& sums, double confidence = 0.95);

// Area under precision over recall as a step function: sum (R_n - R_(n-1)) P_n over the distinct scores, highest first.
// `invalid` without a positive.
Result<double> average_precision(Labels labels, Scores scores);

}  // namespace millrace::stats
