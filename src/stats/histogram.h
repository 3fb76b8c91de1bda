// Quantiles, edges from them, and counts between frozen edges.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/result.h"

namespace millrace::stats {

// Of values in ascending order: linear between neighbours at (n - 1) p (Hyndman & Fan 1996, type 7, as numpy's
// default). `sorted` must hold no NaN. NaN when it is empty or p is outside [0, 1].
double quantile_of_sorted(std::span<const double> sorted, double p);

// Inner edges that part the finite values into at most `bins` bins of about equal numbers: the distinct quantiles at
// 1/bins, 2/bins, ... Edges equal to the smallest value are left out (nothing lies below them). NaN and infinities do
// not count. Fewer distinct values give fewer edges; none give none. 1 <= bins <= 10000.
Result<std::vector<double>> quantile_edges(std::span<const double> values, int64_t bins);

// Inner edges that part `sorted` (ascending, finite; values, or that many even quantiles of more of them) into at most
// `bins` bins as even as can be. A value that is so frequent that it fills a bin has one of its own and the other bins
// share the rest, so a column of mostly zeros still shows what its other values do: where quantile_edges() finds equal
// quantiles, it loses bins. Up to `bins` distinct values have a bin each. Bins of several values
// hold a hundredth of the rows or more, but for the one before a frequent value and the last. `invalid` unless
// ascending and finite; 1 <= bins <= 100.
Result<std::vector<double>> even_edges(std::span<const double> sorted, int64_t bins);

// Counts over frozen inner edges e_1 < ... < e_k. Bin 0 holds x < e_1, bin i holds e_i <= x < e_(i+1), bin k holds
// x >= e_k; so -inf and inf are in the outer bins, and SQL counts the same with CASE WHEN x < e. NaN and nulls are
// counted aside. Not thread-safe: one per worker, combined with merge(), which is exact and in any order.
class Histogram {
 public:
  static Result<Histogram> make(std::vector<double> edges);  // `invalid` unless finite and strictly ascending

  void add(double value, int64_t rows = 1);
  void add_null(int64_t rows = 1) { nulls_ += rows; }
  Result<void> merge(const Histogram& other);  // `invalid` if the edges differ

  size_t bin_of(double value) const;  // not for NaN
  const std::vector<double>& edges() const { return edges_; }
  const std::vector<int64_t>& counts() const { return counts_; }  // edges().size() + 1
  int64_t nulls() const { return nulls_; }
  int64_t nans() const { return nans_; }
  int64_t rows() const;  // all, nulls and NaN too

 private:
  explicit Histogram(std::vector<double> edges) : edges_(std::move(edges)), counts_(edges_.size() + 1) {}
  std::vector<double> edges_;
  std::vector<int64_t> counts_;
  int64_t nulls_ = 0;
  int64_t nans_ = 0;
};

}  // namespace millrace::stats
