// What each outcome of a decision is worth: the four numbers of value.DEPLOYMENT in the project file.
#pragma once
#include <string>

#include "core/result.h"
#include "core/yaml.h"

namespace millrace::registry {

// In units of the currency, for one prediction of each outcome; a loss is negative.
struct Outcomes {
  double true_positive = 0, false_positive = 0, false_negative = 0, true_negative = 0;

  double of(bool chosen, bool positive) const;
  double best() const;
  double span() const;  // from the worst to the best
};

// `map` is value.NAME. All four are required: one that is left out would count as nothing without anybody having said
// so. `invalid` with the place for what is missing or not finite.
Result<Outcomes> read_outcomes(const Yaml& map);
Result<std::string> read_currency(const Yaml& map);  // capital letters, as USD

}  // namespace millrace::registry
