// Values over time: lines with bands, limits, and marks for what happened.
#pragma once
#include <limits>
#include <string>
#include <vector>

#include "core/clock.h"
#include "report/html.h"
#include "report/svg/axis.h"

namespace millrace::report::svg {

inline constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

struct Reading {
  Micros at = 0;
  double value = 0;                        // NaN breaks the line
  double low = kNothing, high = kNothing;  // NaN: no band here
  std::string hint;                        // shown while pointing at it
};
struct Line {
  int colour = 0;  // 0 to 5; also picks the shape of its marks
  int dash = 0;    // 0 to 2
  bool hollow = false;
  bool marks = true;
  std::vector<Reading> readings;  // by time
};
struct Limit {
  double at = 0;
  std::string words;
  bool page = false;  // worse than a warning
};
struct Happening {
  Micros at = 0;
  std::string badge;  // "" = an alert's triangle
  std::string hint;
};
struct LineChart {
  std::string summary;
  double width = 350, height = 220;
  Micros from = 0, to = 0;
  double floor = -std::numeric_limits<double>::infinity(), ceiling = std::numeric_limits<double>::infinity();
  bool as_percent = false;
  bool from_zero = false;  // the axis begins at zero
  std::vector<Line> lines;
  std::vector<Limit> limits;
  std::vector<Happening> happenings;
};
// Without a finite value it says so in words, in the same room.
Html draw(const LineChart& chart);

}  // namespace millrace::report::svg
