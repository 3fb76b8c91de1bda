#include "data/cause/units.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "stats/least_squares.h"
#include "stats/robust.h"

namespace millrace::data::cause {
namespace {

constexpr size_t kSide = 14;  // days on each side: near enough that the season does not matter
constexpr double kBetter = 0.5;
constexpr double kFarFromItself = 0.05;
constexpr double kGoodFit = 0.08;
constexpr double kMultiples = 0.97;

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

constexpr std::array kShares{0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95};

struct Sides {
  std::vector<double> before, after;  // quantiles
  bool usable = false;
};

Sides sides(const Look& look, const FrameColumn& column) {
  const auto& days = look.days;
  const size_t from = days.boundary > kSide ? days.boundary - kSide : 0, to = std::min(days.end, days.boundary + kSide);
  std::vector<double> before, after;
  for (size_t r = 0; r < look.frame.rows(); ++r) {
    const int32_t d = days.of_row[r];
    if (d < 0 || !std::isfinite(column.numbers[r])) continue;
    const auto day = static_cast<size_t>(d);
    if (day >= from && day < days.boundary) before.push_back(column.numbers[r]);
    if (day >= days.boundary && day < to) after.push_back(column.numbers[r]);
  }
  Sides out;
  out.usable = before.size() >= 30 && after.size() >= 30;
  out.before = stats::quantiles(before, kShares);
  out.after = stats::quantiles(after, kShares);
  return out;
}

// Mean distance of the quantiles in units of the spread of both; large when the spread is none.
double distance(const std::vector<double>& from, const std::vector<double>& to, double scale, double offset) {
  double sum = 0;
  std::vector<double> moved;
  for (const double value : from) moved.push_back(scale * value + offset);
  std::sort(moved.begin(), moved.end());
  for (size_t i = 0; i < to.size(); ++i) sum += std::abs(to[i] - moved[i]);
  const double width = std::max(to.back() - to.front(), moved.back() - moved.front());
  return width > 0 ? sum / static_cast<double>(to.size()) / width : (sum > 0 ? 1e9 : 0);
}

}  // namespace

std::optional<Conversion> find_conversion(const Look& look, const FrameColumn& column) {
  const auto around = sides(look, column);
  if (!around.usable) return std::nullopt;
  const double unchanged = distance(around.before, around.after, 1, 0);
  if (unchanged < kFarFromItself) return std::nullopt;
  std::optional<Conversion> best;
  double least = kBetter * unchanged;
  for (const auto& known : kKnown)
    if (const double away = distance(around.before, around.after, known.scale, known.offset); away < least)
      least = away, best = Conversion{known.scale, known.offset, known.name};
  if (best && least < 2 * kGoodFit) return best;
  std::vector<double> design;
  for (const double value : around.before) design.insert(design.end(), {1, value});
  const auto line = stats::least_squares(design, around.after, 2);
  if (!line || distance(around.before, around.after, (*line)[1], (*line)[0]) > kGoodFit) return best;
  return Conversion{(*line)[1], (*line)[0], ""};
}

bool have_changed_places(const Look& look, const FrameColumn& first, const FrameColumn& second) {
  if (!first.number || !second.number) return false;
  const auto a = sides(look, first), b = sides(look, second);
  if (!a.usable || !b.usable) return false;
  return distance(b.before, a.after, 1, 0) < kBetter * distance(a.before, a.after, 1, 0) &&
         distance(a.before, b.after, 1, 0) < kBetter * distance(b.before, b.after, 1, 0);
}

double coarser_step(const Look& look, const FrameColumn& column) {
  double found = 0;
  for (const double step : {0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 1000.0}) {
    double before = 0, n_before = 0, now = 0, n_now = 0;
    for (size_t r = 0; r < look.frame.rows(); ++r) {
      const double value = column.numbers[r];
      if (!std::isfinite(value) || look.frame.batch[r] > look.frame.suspect) continue;
      const double steps = value / step;
      const double is_multiple = std::abs(steps - std::round(steps)) < 1e-6 ? 1 : 0;
      (look.frame.batch[r] == look.frame.suspect ? now : before) += is_multiple;
      (look.frame.batch[r] == look.frame.suspect ? n_now : n_before) += 1;
    }
    if (n_now > 0 && n_before > 0 && now / n_now >= kMultiples && before / n_before < 0.8) found = step;
  }
  return found;
}

}  // namespace millrace::data::cause
