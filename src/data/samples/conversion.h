// What a number may have become: another unit, or a line through what it was.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace millrace::data {

struct Conversion {
  double scale = 1, offset = 0;
  std::string name;  // "Fahrenheit to Celsius", or "" for one that was fitted
};

// The shares whose quantiles stand for a distribution here.
inline constexpr std::array conversion_shares{0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95};

// Mean distance of the quantiles of `from`, converted, and `to`, in units of the spread of both; large when the spread
// is none. Both are quantiles at conversion_shares.
double quantile_distance(const std::vector<double>& from, const std::vector<double>& to, double scale, double offset);

// The conversion under which the quantiles `before` look like those `after`, when it explains them much better than no
// change does. Known units first, else a fitted line.
std::optional<Conversion> find_conversion(const std::vector<double>& before, const std::vector<double>& after);

// "temp looks like 0.556 x - 17.8 of what was before (Fahrenheit to Celsius)"
std::string conversion_text(const std::string& column, const Conversion& by);

}  // namespace millrace::data
