// Estimates that a few wild values do not move. NaN values do not count; without any value the answer is NaN.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace millrace::stats {

double median(std::span<const double> values);
// Median absolute deviation from the median times 1.4826: the standard deviation of a normal distribution (Hampel 1974,
// "The influence curve and its role in robust estimation").
double scaled_mad(std::span<const double> values);
// Share-p quantiles (type 7) of the values that are no NaN.
std::vector<double> quantiles(std::span<const double> values, std::span<const double> shares);

// A step of a series: the median of the `after` values from `at` on, less the median of the `before` values in front
// of it; and the same at every other place that lies wholly before `at` (so that autocorrelation, weather and season
// are in the comparison). `places` = 0 when there is none.
struct Step {
  double value = 0;    // NaN when either side has no value
  double usual = 0;    // median of the steps elsewhere
  double largest = 0;  // largest distance of a step elsewhere from `usual`
  int64_t places = 0;
};
Step step_at(std::span<const double> series, size_t at, size_t before, size_t after);

}  // namespace millrace::stats
