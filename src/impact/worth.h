// What predictions were worth, with intervals. Pure.
//
// Method. A labelled prediction ends in one of four outcomes, each with a value of its own. Given the counts c_i of the
// outcomes with values v_i and n = sum c_i, the value of one prediction has the mean m = sum c_i v_i / n and the sample
// variance s^2 = sum c_i (v_i - m)^2 / (n - 1): both exact from the four counts (a multinomial sample), nothing is
// simulated. The sum over the n predictions is n m, its interval n m +- z sqrt(n) s by the central limit theorem. It is
// meant for hundreds of rows and more, and for rows that are independent; with all rows in one outcome its width is 0,
// which says that nothing else was seen, not that nothing else can happen.
#pragma once
#include <cstdint>
#include <optional>

#include "impact/value.h"
#include "stats/interval.h"

namespace millrace::impact {

// Labelled predictions by outcome.
struct Counts {
  int64_t true_positives = 0, false_positives = 0, false_negatives = 0, true_negatives = 0;
  int64_t rows() const { return true_positives + false_positives + false_negatives + true_negatives; }
  void add(const Counts& other);
};

struct Worth {
  int64_t n = 0;
  double mean = 0, variance = 0;  // of one prediction; NaN without rows, the variance also with one
  stats::Interval total;          // of all n; its ends are infinite when the variance is not known
  stats::Interval per_1000;
};
Worth worth_of(const Counts& counts, const Outcomes& outcomes, double confidence = 0.95);

// What the model was worth beyond doing nothing: every row that it chose would have been left alone, so a true positive
// would have been a false negative and a false positive a true negative.
Worth gain_of(const Counts& counts, const Outcomes& outcomes, double confidence = 0.95);

// a minus b per 1,000 predictions, for two independent samples of unequal variance (Welch 1947, "The generalization of
// 'Student's' problem"): df = (u + w)^2 / (u^2 / (n_a - 1) + w^2 / (n_b - 1)) with u = s_a^2 / n_a, w = s_b^2 / n_b.
// Nothing unless both have two rows. df is infinite when both variances are 0.
struct Difference {
  stats::Interval per_1000;
  double df = 0;
};
std::optional<Difference> difference_of(const Worth& a, const Worth& b, double confidence = 0.95);

// Per 1,000 predictions. `mean_us`: from a request's arrival until its record is written. The processor works for at
// most that long on it, so `compute` is an upper bound on one core. NaN where nothing is known.
struct Cost {
  double compute = 0, labels = 0, total = 0;
};
Cost cost_of(double mean_us, int64_t requests, int64_t labels, const Prices& prices);

}  // namespace millrace::impact
