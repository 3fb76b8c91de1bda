// The profile of a batch: per property exact counts, extremes and sums, a histogram over frozen edges, quantiles, the
// most frequent texts and the number of distinct values. Where rows are near it is counted in C++
// (data/profiles/profile_scan.h), elsewhere by the engine (data/profiles/profile_queries.h).
//
// Edges are frozen so that counts of different batches add up: from the contract where a property has both a minimum
// and a maximum, else from an earlier profile, else 20 equal steps between the smallest and largest value of this
// batch. A histogram of n edges has n + 1 counts: at or below edges[0]; over edges[i-1] up to edges[i]; over the last.
// NaN is in none.
#pragma once
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "data/plan.h"
#include "data/profiles/batch_scan.h"

namespace millrace::data {

// A quantile is the smallest value that at least this share of the values is at or below.
inline constexpr std::array profile_shares{0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};

struct ColumnProfile {
  LogicalType type = LogicalType::any;
  bool masked = false;
  int64_t count = 0, nulls = 0, wrong_type = 0;
  int64_t nan = 0, infinite = 0;           // numbers
  std::optional<double> minimum, maximum;  // numbers, finite ones; texts: their lengths; times: microseconds since 1970
  double sum = 0, sum_of_squares = 0;      // numbers, finite ones
  int64_t truths = 0;                      // booleans
  int64_t distinct = 0;
  double distinct_error = 0;  // one standard error as a share, which the counter states; 0 = exact
  std::vector<double> edges;
  std::vector<int64_t> counts;
  std::vector<double> quantiles;                     // of finite numbers, at profile_shares; empty without any
  double quantile_error = 0;                         // how far off in rank they may be, as a share; 0 = exact
  std::vector<std::pair<std::string, int64_t>> top;  // up to 20, most frequent first
};

struct Profile {
  int64_t rows = 0;
  std::map<std::string, ColumnProfile> columns;
  Json to_json() const;  // values of masked columns are left out
};

// What to_json() told of the object's properties; others are left out.
Profile profile_from(const Json& json, const Object& object);

// Of numeric properties, by name; none for one without a finite value.
using ProfileEdges = std::map<std::string, std::vector<double>>;
// What the contract or an earlier profile tells; `before` is its JSON (or null).
ProfileEdges frozen_edges(const Object& object, const Json& before);
// `before` is an earlier profile's JSON (or null). The batch is asked only where nothing else tells them.
Result<ProfileEdges> choose_edges(const Plan& plan, const Object& object, const Json& before);

class Profiler {
 public:
  virtual ~Profiler() = default;
  // What it needs of the one query that also judges the rules; count(*) comes first.
  virtual const std::vector<std::string>& aggregates() const = 0;
  // What it needs of a scan of the rows, which ends before finish() is called.
  virtual void add_to(BatchScan&) {}
  // Reads the query's answer from `column` on.
  virtual Result<Profile> finish(const engine::Table& answer, size_t column) = 0;
};
// By a scan where the plan's rows are near, else by queries. `plan` and `object` must outlive it.
std::unique_ptr<Profiler> make_profiler(const Plan& plan, const Object& object, ProfileEdges edges);

}  // namespace millrace::data
