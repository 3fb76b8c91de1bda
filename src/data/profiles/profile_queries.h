// A profile that the engine computes: aggregates of the query that judges the rules, and one for the most frequent
// texts.
#pragma once
#include "data/profiles/profile.h"

namespace millrace::data {

class ProfileQueries final : public Profiler {
 public:
  ProfileQueries(const Plan& plan, const Object& object, ProfileEdges edges);
  const std::vector<std::string>& aggregates() const override { return aggregates_; }
  Result<Profile> finish(const engine::Table& answer, size_t column) override;

 private:
  void add(const Property& property);
  Result<void> repair_numbers(const Property& property, ColumnProfile& column) const;
  void read_quantiles(const Json& cell, ColumnProfile& column) const;
  Result<void> find_top(Profile& profile) const;

  const Plan& plan_;
  const Object& object_;
  ProfileEdges edges_;
  std::vector<std::string> aggregates_;
};

}  // namespace millrace::data
