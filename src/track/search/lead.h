// Which runs a search has to look at, taken from the indexes of latest values, parameters and tags instead of from a
// whole experiment, in the order in which the search wants them. Inside one transaction; reads nothing but those
// indexes.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "track/search/filter.h"

namespace millrace::track {

// A run by one of its metrics.
struct Candidate {
  std::string run;
  double value = 0;
  int64_t start_time = 0;
};

// One metric in one experiment. The texts outlive it.
struct MetricIn {
  const std::string& workspace;
  const std::string& experiment;
  const std::string& key;
  std::vector<const Comparison*> comparisons;  // with its value; never !=, which no index answers
};

// Of the runs whose comparisons hold, those after `after`, the next `most` of them by value, then by start (latest
// first), then by id. Fewer than `most`: there are no more.
struct ByValue {
  bool ascending = true;
  bool nan = false;  // instead of numbers
};
Result<std::vector<Candidate>> next_by_value(store::Session& session, const MetricIn& in, const ByValue& how,
                                             const std::optional<Candidate>& after, size_t most);
// The same by start and id only.
Result<std::vector<Candidate>> next_by_start(store::Session& session, const MetricIn& in,
                                             const std::optional<Candidate>& after, size_t most);

// How many runs the comparisons hold for, counted up to `most`.
Result<size_t> count_matches(store::Session& session, const MetricIn& in, size_t most);

// Whether runs_with() can answer a comparison: a parameter or tag that has a value.
bool can_lead(const Comparison& one);
// Up to `most` runs of the workspace, of whatever experiment, whose parameter or tag may have that value: it begins
// as it does. None that has it is left out.
Result<std::vector<std::string>> runs_with(store::Session& session, const std::string& workspace, const Comparison& one,
                                           size_t most);

}  // namespace millrace::track
