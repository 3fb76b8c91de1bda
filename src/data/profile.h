// The profile of a batch: per property exact counts, extremes and sums, a histogram over frozen edges, the most
// frequent texts and an estimate of the number of distinct values. Its aggregates are part of the one scan that also
// judges the rules.
//
// Edges are frozen so that counts of different batches add up: from the contract where a property has both a minimum
// and a maximum, else from an earlier profile, else 20 equal steps between the smallest and largest value of this
// batch. A histogram of n edges has n + 1 counts: at or below edges[0]; over edges[i-1] up to edges[i]; over the last.
// NaN is in none.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "data/plan.h"

namespace millrace::data {

struct ColumnProfile {
  LogicalType type = LogicalType::any;
  bool masked = false;
  int64_t count = 0, nulls = 0, wrong_type = 0;
  int64_t nan = 0, infinite = 0;           // numbers
  std::optional<double> minimum, maximum;  // numbers, finite ones; texts: their lengths; times: microseconds since 1970
  double sum = 0, sum_of_squares = 0;      // numbers, finite ones
  int64_t truths = 0;                      // booleans
  int64_t distinct = 0;                    // an estimate,
  double distinct_error = 0;               // and one standard error of it as a share, which the engine states
  std::vector<double> edges;
  std::vector<int64_t> counts;
  std::vector<std::pair<std::string, int64_t>> top;  // up to 20, most frequent first
};

struct Profile {
  int64_t rows = 0;
  std::map<std::string, ColumnProfile> columns;
  Json to_json() const;  // values of masked columns are left out
};

class ProfilePlan {
 public:
  // `before` is an earlier profile's JSON (or null): where edges come from.
  ProfilePlan(const Plan& plan, const Object& object, const Json& before);
  Result<void> choose_edges();  // asks the batch only where nothing else tells them
  const std::vector<std::string>& aggregates() const { return aggregates_; }  // begins with count(*)
  // Reads the scan's answer from `column` on, and asks for the most frequent values.
  Result<Profile> finish(const engine::Table& scan, size_t column) const;

 private:
  void add(const Property& property);
  std::string real(const std::string& column) const;  // SQL: a numeric column as DOUBLE
  Result<void> repair_numbers(const Property& property, ColumnProfile& column) const;
  Result<void> find_top(Profile& profile) const;

  const Plan& plan_;
  const Object& object_;
  std::map<std::string, std::vector<double>> edges_;
  std::vector<std::string> open_;  // numeric columns without edges yet
  std::vector<std::string> aggregates_;
};

}  // namespace millrace::data
