#include "data/samples/conversion.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/samples/sentence.h"
#include "stats/least_squares.h"

namespace millrace::data {
namespace {

constexpr double kBetter = 0.5;
constexpr double kFarFromItself = 0.05;
constexpr double kGoodFit = 0.08;

struct Known {
  double scale, offset;
  const char* name;
};
constexpr std::array kKnown{
    Known{5.0 / 9, -160.0 / 9, "Fahrenheit to Celsius"},
    Known{1.8, 32, "Celsius to Fahrenheit"},
    Known{1, 273.15, "Celsius to Kelvin"},
    Known{1, -273.15, "Kelvin to Celsius"},
    Known{5.0 / 9, 273.15 - 160.0 / 9, "Fahrenheit to Kelvin"},
    Known{1.609344, 0, "miles to kilometres"},
    Known{0.621371, 0, "kilometres to miles"},
    Known{0.868976, 0, "miles to nautical miles"},
    Known{1.150779, 0, "nautical miles to miles"},
    Known{1.852, 0, "nautical miles to kilometres"},
    Known{0.44704, 0, "miles an hour to metres a second"},
    Known{2.236936, 0, "metres a second to miles an hour"},
    Known{0.514444, 0, "knots to metres a second"},
    Known{3.6, 0, "metres a second to kilometres an hour"},
    Known{1 / 3.6, 0, "kilometres an hour to metres a second"},
    Known{25.4, 0, "inches to millimetres"},
    Known{2.54, 0, "inches to centimetres"},
    Known{1 / 25.4, 0, "millimetres to inches"},
    Known{0.02953, 0, "hectopascals to inches of mercury"},
    Known{33.8639, 0, "inches of mercury to hectopascals"},
    Known{0.3048, 0, "feet to metres"},
    Known{3.28084, 0, "metres to feet"},
    Known{2.204623, 0, "kilograms to pounds"},
    Known{0.453592, 0, "pounds to kilograms"},
    Known{60, 0, "a unit sixty times smaller"},
    Known{1.0 / 60, 0, "a unit sixty times larger"},
    Known{3600, 0, "hours to seconds"},
    Known{1.0 / 3600, 0, "seconds to hours"},
    Known{24, 0, "days to hours"},
    Known{1.0 / 24, 0, "hours to days"},
    Known{10, 0, "a unit ten times smaller"},
    Known{0.1, 0, "a unit ten times larger"},
    Known{100, 0, "a unit a hundred times smaller"},
    Known{0.01, 0, "a unit a hundred times larger"},
    Known{1000, 0, "a unit a thousand times smaller"},
    Known{0.001, 0, "a unit a thousand times larger"},
    Known{-1, 0, "the other sign"},
};

}  // namespace

double quantile_distance(const std::vector<double>& from, const std::vector<double>& to, double scale, double offset) {
  double sum = 0;
  std::vector<double> moved;
  for (const double value : from) moved.push_back(scale * value + offset);
  std::sort(moved.begin(), moved.end());
  for (size_t i = 0; i < to.size(); ++i) sum += std::abs(to[i] - moved[i]);
  const double width = std::max(to.back() - to.front(), moved.back() - moved.front());
  return width > 0 ? sum / static_cast<double>(to.size()) / width : (sum > 0 ? 1e9 : 0);
}

std::optional<Conversion> find_conversion(const std::vector<double>& before, const std::vector<double>& after) {
  const double unchanged = quantile_distance(before, after, 1, 0);
  if (unchanged < kFarFromItself) return std::nullopt;
  std::optional<Conversion> best;
  double least = kBetter * unchanged;
  for (const auto& known : kKnown)
    if (const double away = quantile_distance(before, after, known.scale, known.offset); away < least)
      least = away, best = Conversion{known.scale, known.offset, known.name};
  if (best && least < 2 * kGoodFit) return best;
  std::vector<double> design;
  for (const double value : before) design.insert(design.end(), {1, value});
  const auto line = stats::least_squares(design, after, 2);
  if (!line || quantile_distance(before, after, (*line)[1], (*line)[0]) > kGoodFit) return best;
  return Conversion{(*line)[1], (*line)[0], ""};
}

std::string conversion_text(const std::string& column, const Conversion& by) {
  return fmt::format(
      "{} looks like {} x{} of what was before{}", column, number_text(by.scale),
      by.offset == 0 ? "" : fmt::format(" {} {}", by.offset < 0 ? "-" : "+", number_text(std::abs(by.offset))),
      by.name.empty() ? "" : " (" + by.name + ")");
}

}  // namespace millrace::data
