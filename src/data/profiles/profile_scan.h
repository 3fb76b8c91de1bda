// A profile counted in C++ from the rows as they pass: cheaper than an engine's aggregates, and quantiles and distinct
// values are exact for most columns.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "data/profiles/column_counter.h"
#include "data/profiles/profile.h"

namespace millrace::data {

class ProfileScan final : public Profiler {
 public:
  ProfileScan(const Plan& plan, const Object& object, const ProfileEdges& edges);
  const std::vector<std::string>& aggregates() const override { return aggregates_; }
  void add_to(BatchScan& scan) override;
  Result<Profile> finish(const engine::Table& answer, size_t column) override;

 private:
  const Plan& plan_;
  const Object& object_;
  std::map<std::string, ColumnCounter> counters_;
  std::vector<std::string> aggregates_;
};

}  // namespace millrace::data
