// A table of values as coloured cells, each with its number in it.
#pragma once
#include <string>
#include <vector>

#include "report/html.h"
#include "report/svg/lines.h"

namespace millrace::report::svg {

struct Cell {
  double value = kNothing;  // NaN: an empty cell
  std::string words;        // what stands in it
  std::string hint;
  bool flagged = false;  // an alert stands here
};
struct HeatRow {
  std::string name;
  std::vector<Cell> cells;  // one for each column
};
struct HeatMap {
  std::string summary;
  double width = 1080;
  std::vector<std::string> columns;
  std::vector<HeatRow> rows;
  std::vector<double> steps;  // rising; a value's shade is how many of them it reaches, at most 5
};
Html draw(const HeatMap& map);

}  // namespace millrace::report::svg
