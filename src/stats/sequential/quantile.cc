#include "stats/sequential/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/kll.h"
#include "stats/sequential/mixture.h"

namespace millrace::stats {
namespace {

int bin_of(double value) {
  if (!(value >= 1)) return 0;
  const double at = std::log2(value) * LogHistogram::kPerDouble;
  return at >= LogHistogram::kBins - 2 ? LogHistogram::kBins - 1 : 1 + static_cast<int>(at);
}

// The last count of n coins with the chance q that is not contradicted, going from the expected one by `step`.
int64_t last_possible(int64_t n, double q, double limit, int64_t step) {
  const auto possible = [&](int64_t hits) {
    return log_mixture_evidence(static_cast<double>(hits), static_cast<double>(n), q) < limit;
  };
  int64_t inside = std::llround(q * static_cast<double>(n)), outside = step < 0 ? -1 : n + 1;
  while (std::abs(outside - inside) > 1) {
    const int64_t middle = inside + (outside - inside) / 2;
    (possible(middle) ? inside : outside) = middle;
  }
  return inside;
}

}  // namespace

void LogHistogram::add(double value) {
  ++counts_[static_cast<size_t>(bin_of(value))];
  ++count_;
}

void LogHistogram::merge(const LogHistogram& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
}

double LogHistogram::upper_edge(int bin) {
  if (bin >= kBins - 1) return std::numeric_limits<double>::infinity();
  return std::exp2(static_cast<double>(bin) / kPerDouble);
}

double LogHistogram::at_rank(int64_t rank) const {
  int64_t seen = 0;
  for (int bin = 0; bin < kBins; ++bin) {
    seen += counts_[static_cast<size_t>(bin)];
    if (seen >= rank) return upper_edge(bin);
  }
  return upper_edge(kBins - 1);
}

double LogHistogram::quantile(double q) const { return count_ == 0 ? std::nan("") : at_rank(quantile_rank(q, count_)); }

std::map<int, int64_t> LogHistogram::bins() const {
  std::map<int, int64_t> out;
  for (int bin = 0; bin < kBins; ++bin)
    if (const auto count = counts_[static_cast<size_t>(bin)]; count != 0) out[bin] = count;
  return out;
}

void LogHistogram::add_bin(int bin, int64_t count) {
  if (bin < 0 || bin >= kBins || count < 0) return;
  counts_[static_cast<size_t>(bin)] += count;
  count_ += count;
}

Interval quantile_sequence(const LogHistogram& values, double q, double alpha) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  const int64_t n = values.count();
  if (n == 0) return {.value = std::nan(""), .low = 0, .high = kInfinite};
  const double limit = -std::log(alpha);
  const int64_t fewest = last_possible(n, q, limit, -1), most = last_possible(n, q, limit, 1);
  // The bin below the one of the fewest-th value is where its lower edge is.
  Interval out{.value = values.quantile(q), .low = 0, .high = kInfinite};
  if (fewest >= 1) {
    const double edge = values.at_rank(fewest);
    out.low = std::isinf(edge) ? LogHistogram::upper_edge(LogHistogram::kBins - 2)
              : edge <= 1      ? 0
                               : edge / std::exp2(1.0 / LogHistogram::kPerDouble);
  }
  if (most + 1 <= n) out.high = values.at_rank(most + 1);
  return out;
}

}  // namespace millrace::stats
