// How far two histograms over the same bins are apart. Counts, not shares: the sample sizes matter. Symmetric, and 0
// for equal shares, except where said. `invalid` for unequal numbers of bins, negative counts, or a histogram without
// rows.
#pragma once
#include <cstdint>
#include <span>

#include "core/result.h"

namespace millrace::stats {

using Counts = std::span<const int64_t>;

// Population stability index: sum (p - q) ln(p / q), over shares with half a row added to each bin (Jeffreys' prior),
// so that an empty bin is far away but not infinitely. Equal shares of unequal totals give a little more than 0 for
// that.
Result<double> psi(Counts a, Counts b);

// What psi() is about for two samples of one distribution: (bins - 1)(1/n_a + 1/n_b), since n psi is asymptotically
// chi-squared (Yurdakul 2018, "Statistical properties of population stability index"); and its upper `confidence`
// limit.
struct PsiNoise {
  double mean = 0;
  double limit = 0;
};
Result<PsiNoise> psi_noise(int64_t bins, int64_t rows_a, int64_t rows_b, double confidence = 0.95);

// Jensen-Shannon divergence in bits (base 2), from 0 to 1 (Lin 1991). Its square root is the metric; this is not.
Result<double> jensen_shannon(Counts a, Counts b);

Result<double> total_variation(Counts a, Counts b);  // sum |p - q| / 2, from 0 to 1
Result<double> l_infinity(Counts a, Counts b);       // max |p - q|, from 0 to 1

// Wasserstein's first distance (the earth mover's) between the values inside the edges, in the unit of the edges: the
// integral of |F_a - F_b|. Histogram of counts: at or below edges[0], between neighbours, over the last; what lies
// beyond the outer edges counts as if it lay there. `invalid` unless counts have one more entry than edges.
Result<double> wasserstein(Counts a, Counts b, std::span<const double> edges);

struct Test {
  double statistic = 0;
  double p_value = 1;
};

// Two-sample Kolmogorov-Smirnov on ordered bins: the largest gap between the cumulative shares. p_value =
// P(K > D sqrt(nm / (n + m))) in the limit; on bins (ties) it is conservative.
Result<Test> kolmogorov_smirnov(Counts a, Counts b);

// Pearson's chi-squared test that both have the same shares; bins empty in both are left out. One bin left: p_value 1.
Result<Test> chi_squared(Counts a, Counts b);

}  // namespace millrace::stats
