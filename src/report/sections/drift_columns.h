// Columns of windows over the periods, as the section on drift shows them.
#pragma once
#include <string>
#include <vector>

#include "report/facts.h"

namespace millrace::report {

struct DriftColumn {
  std::string name;
  bool score = false;
  std::vector<const Json*> periods;  // its entry in each window of arm `all`; null where it is not there
  double worst = 0;                  // largest PSI
};
// Worst first.
std::vector<DriftColumn> drift_columns(const std::vector<const Json*>& windows);

// A column's counts by bin, now and in the reference, with the bins' names. Bins are those of windows: numbers by their
// edges, open at both ends; texts by category, then all others; then what is missing. The last two are left out when
// both sides have none.
struct Distribution {
  std::vector<double> now, reference;
  std::vector<std::string> names;  // as many
};
Distribution distribution_of(const Json& column);

}  // namespace millrace::report
