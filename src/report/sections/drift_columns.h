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

// Names of the bins of a column's counts: by edges (open at both ends when there is one count more than edges), or
// categories.
std::vector<std::string> bin_names(const Json& column);
std::vector<double> counts_in(const Json& column, std::string_view key);

}  // namespace millrace::report
