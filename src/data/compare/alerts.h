// From signals to alerts: which columns are to blame, one alert a fault.
#pragma once
#include <string>
#include <vector>

#include "data/compare/look.h"

namespace millrace::data::compare {

struct Alert {
  std::string check;                 // the kind of its strongest signal, or `swapped`, `misaligned`
  std::vector<std::string> columns;  // the one to blame first; empty = the rows as a whole
  std::optional<Slice> slice;
  double score = 0;             // 0..1
  std::vector<Signal> signals;  // strongest first
};

// How sure one signal makes, 0 to 1: the weight of its kind x (1 - 2^(1 - value / limit)).
double strength_of(const Signal& signal);

// Strongest first. A relation counts against the column that is in most broken ones, and not at all where a column of
// it has a signal of its own.
std::vector<Alert> alerts_of(const Look& look);

}  // namespace millrace::data::compare
