// One column of a profile, counted value by value or some thousands at a time.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "data/contracts/contract.h"
#include "data/profiles/number_counter.h"
#include "data/profiles/text_counter.h"
#include "engine/scan.h"

namespace millrace::data {

struct ColumnProfile;

class ColumnCounter {
 public:
  ColumnCounter(LogicalType type, std::vector<double> edges);

  // Integers and numbers; dates and timestamps as microseconds since 1970; texts; booleans; of times of day and of
  // properties without a type their texts; of objects and arrays any boolean. Nulls are left out.
  void take(const engine::ScanColumn& rows);
  void add(int64_t value);
  void add(double value);
  void add(std::string_view value);
  void add_boolean(bool value);

  void tell(ColumnProfile& profile) const;  // all but nulls, wrong_type, masked

 private:
  LogicalType type_;
  int64_t count_ = 0, truths_ = 0;
  std::optional<int64_t> first_, last_;  // of times
  stats::DistinctCounter times_;
  std::optional<NumberCounter> numbers_;
  std::optional<TextCounter> texts_;
};

}  // namespace millrace::data
