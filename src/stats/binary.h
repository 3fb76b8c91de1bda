// Losses and counts of a binary classifier. Labels: 0 is negative, all else positive. Probabilities lie in [0, 1]; NaN,
// anything outside, unequal lengths or no rows are `invalid`.
#pragma once
#include "stats/ranking.h"

namespace millrace::stats {

inline constexpr double kLogLossClip = 1e-15;

// Mean of -log p(label), natural logarithm, p cut to [1e-15, 1 - 1e-15] so that one sure error does not make it
// infinite. Interval: mean +- z s / sqrt(n).
Result<Interval> log_loss(Labels labels, Scores probabilities, double confidence = 0.95);

// Mean of (p - label)^2 (Brier 1950, "Verification of forecasts expressed in terms of probability"); the same interval.
Result<Interval> brier_score(Labels labels, Scores probabilities, double confidence = 0.95);

// A row is chosen when score >= threshold. Scores may be infinite here.
struct Confusion {
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  int64_t true_negatives = 0;
  int64_t false_negatives = 0;

  void add(bool label, bool chosen);
  void merge(const Confusion& other);
  int64_t rows() const { return true_positives + false_positives + true_negatives + false_negatives; }
  // Shares with Wilson's interval; `invalid` when nothing is to be divided by.
  Result<Interval> recall(double confidence = 0.95) const;       // TP / (TP + FN); needs a positive
  Result<Interval> precision(double confidence = 0.95) const;    // TP / (TP + FP); needs a chosen row
  Result<Interval> specificity(double confidence = 0.95) const;  // TN / (TN + FP); needs a negative
  Result<Interval> accuracy(double confidence = 0.95) const;     // (TP + TN) / rows
  double f1() const;                                             // 2 TP / (2 TP + FP + FN); NaN if that is 0 / 0
};
Result<Confusion> confusion(Labels labels, Scores scores, double threshold);

// Lengths equal, at least one row, each probability within [0, 1].
Result<void> check_probabilities(Labels labels, Scores probabilities);

}  // namespace millrace::stats
