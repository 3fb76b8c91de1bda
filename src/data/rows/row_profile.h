// The profile of rows that pass one by one: the counters of data/profiles/profile_scan.h, fed by cells.
#pragma once
#include <string>
#include <vector>

#include "data/profiles/column_counter.h"
#include "data/profiles/profile.h"
#include "data/rows/cell.h"

namespace millrace::data {

class RowProfile {
 public:
  RowProfile(const Object& object, const ProfileEdges& edges);
  void take(Row typed);
  Profile profile(int64_t rows) const;

 private:
  const Object& object_;
  std::vector<ColumnCounter> counters_;
  std::vector<int64_t> wrong_;
  std::string text_;  // of what is no text and is counted as one
};

}  // namespace millrace::data
