// Confidence sequences: intervals that hold at every number of values at once, so that one may look at each value and
// stop when one likes. P(the truth is ever outside) <= alpha.
//
// For values in [0, 1] whose expectation, given all that was before, is always m,
//   M_n(m) = B(s + 1/2, n - s + 1/2) / B(1/2, 1/2) / (m^s (1 - m)^(n - s)),   s their sum,
// starts at 1 and never grows in expectation: it averages prod (t/m)^x ((1-t)/(1-m))^(1-x) over t ~ Beta(1/2, 1/2), and
// each factor lies below its chord from x = 0 to x = 1, whose expectation is 1 (Howard, Ramdas, McAuliffe and Sekhon
// 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", the sub-Bernoulli case; Robbins 1970). By
// Ville's inequality P(some n: M_n(m) >= 1/alpha) <= alpha. What is needed is a count and a sum, so parts add up.
#pragma once
#include <cstdint>

#include "stats/interval.h"

namespace millrace::stats {

// log M_n(m). 0 <= sum <= n; `mean` in [0, 1] (infinite where the values exclude it). 0 for n = 0.
double log_mixture_evidence(double sum, double n, double mean);

// All means that the values do not contradict: {m: M_n(m) < 1/alpha}, with sum / n as its value. [0, 1] with the value
// NaN for n = 0. 0 < alpha < 1.
Interval mean_sequence(double sum, double n, double alpha);

// The difference of two means, first less second, of two streams that may interleave in any way: each by its own
// sequence at alpha / 2. The value is NaN while one of them is empty.
Interval difference_sequence(double first_sum, double first_n, double second_sum, double second_n, double alpha);

}  // namespace millrace::stats
