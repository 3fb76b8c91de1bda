// Small pictures of distributions and of short series.
#pragma once
#include <string>
#include <vector>

#include "report/html.h"

namespace millrace::report::svg {

// Two histograms over the same bins: bars for what is now, a stepped outline for the reference. Shares of rows.
struct Overlay {
  std::string summary;
  double width = 350, height = 150;
  std::vector<double> now, reference;  // counts by bin; scaled to their own sums
  std::vector<std::string> names;      // of the bins
  int colour = 1;
};
Html draw(const Overlay& overlay);

// A line without axes; NaN breaks it. The last value gets a dot.
struct Sparkline {
  std::string summary;
  double width = 120, height = 28;
  std::vector<double> values;
};
Html draw(const Sparkline& line);

}  // namespace millrace::report::svg
