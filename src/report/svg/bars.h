// Groups of bars with intervals, side by side, from a line at zero.
#pragma once
#include <string>
#include <vector>

#include "report/html.h"
#include "report/svg/lines.h"

namespace millrace::report::svg {

struct Bar {
  int colour = 0;
  bool hollow = false;
  double value = 0, low = kNothing, high = kNothing;
  std::string hint;
};
struct BarGroup {
  std::string name;
  std::vector<Bar> bars;
};
struct BarChart {
  std::string summary;
  double width = 1080, height = 260;
  std::vector<BarGroup> groups;
};
Html draw(const BarChart& chart);

// One estimate on a short line with its limit: value, interval, limit. For a row of a table.
struct Gauge {
  std::string summary;
  double value = 0, low = kNothing, high = kNothing, limit = kNothing;
  double from = 0, to = 1;
  bool good = true;
};
Html draw(const Gauge& gauge);

}  // namespace millrace::report::svg
